"""Refusals of the firm's account."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class ClockIsReal(Problem):
    status = 409
    code = "clock_is_real"
    title = Text("Solo se mueve el reloj de pruebas", "Only the test clock moves")
    detail = Text(
        "Usa una clave sk_test_: el reloj de la firma es el real.",
        "Use an sk_test_ key: the firm's own clock is the real one.",
    )


class ClockGoesForward(Problem):
    status = 409
    code = "clock_goes_forward"
    title = Text("El reloj solo avanza", "The clock only goes forward")
    detail = Text(
        "El reloj de pruebas marca {now}; no puede volver atrás ni adelantarse más de diez años al real.",
        "The test clock says {now}; it cannot go back, nor more than ten years ahead of the real one.",
    )
