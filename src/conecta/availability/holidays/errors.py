"""Refusals of holiday calendars."""

from conecta.kit.errors import FieldError, Problem
from conecta.kit.language import Text


class HolidayCalendarInUse(Problem):
    status = 409
    code = "holiday_calendar_in_use"
    title = Text("El calendario está en uso", "The calendar is in use")
    detail = Text(
        "{id} lo usan horarios, o es el calendario por defecto; asígnales otro antes de borrarlo.",
        "{id} is used by schedules, or is the default calendar; give them another before you delete it.",
    )


class DefaultCalendarNeeded(Problem):
    status = 409
    code = "default_calendar_needed"
    title = Text("La firma necesita un calendario por defecto", "The firm needs a default calendar")
    detail = Text(
        "{id} es el calendario por defecto; marca otro con is_default: true antes.",
        "{id} is the default calendar; set is_default: true on another one first.",
    )


class DuplicateHoliday(Problem):
    status = 409
    code = "duplicate_holiday"
    title = Text("Ese festivo ya existe", "That holiday exists already")
    detail = Text(
        "El calendario ya tiene un día de ese tipo en esa fecha: {existing_id}. Actualízalo.",
        "The calendar has a day of that kind on that date already: {existing_id}. Update it.",
    )
    extension_names = ("existing_id",)

    def __init__(self, existing_id: str) -> None:
        message = Text(f"Ya es {existing_id}.", f"It is {existing_id} already.")
        super().__init__(
            errors=[FieldError("/date", "duplicate", str(message))],
            extensions={"existing_id": existing_id},
            existing_id=existing_id,
        )
