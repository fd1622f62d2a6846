"""Refusals of schedules."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class ScheduleInUse(Problem):
    status = 409
    code = "schedule_in_use"
    title = Text("El horario está en uso", "The schedule is in use")
    detail = Text(
        "{id} lo usan servicios o salas; asígnales otro horario antes de borrarlo.",
        "{id} is used by services or rooms; give them another schedule before you delete it.",
    )


class DefaultScheduleNeeded(Problem):
    status = 409
    code = "default_schedule_needed"
    title = Text("La firma necesita un horario por defecto", "The firm needs a default schedule")
    detail = Text(
        "{id} es el horario por defecto de la firma; marca otro con is_default: true antes.",
        "{id} is the firm's default schedule; set is_default: true on another one first.",
    )
