"""Refusals of the gate that no other room declares."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text
from conecta.kit.rate_limit import Charge


class OriginNotAllowed(Problem):
    status = 403
    code = "origin_not_allowed"
    title = Text("Origen no admitido", "Origin not allowed")
    detail = Text(
        "Esta clave publicable no se admite desde {origin}. Añade ese origen a la clave.",
        "This publishable key is not accepted from {origin}. Add that origin to the key.",
    )


class RateLimited(Problem):
    status = 429
    code = "rate_limited"
    title = Text("Demasiadas solicitudes", "Too many requests")
    detail = Text(
        "Se ha agotado el límite de {limit} por {window_es}. Vuelve a intentarlo en {seconds} segundos.",
        "The limit of {limit} per {window_en} is used up. Try again in {seconds} seconds.",
    )
    type_uri = "https://iana.org/assignments/http-problem-types#quota-exceeded"
    extension_names = ("violated-policies",)

    def __init__(self, charge: Charge, now: int) -> None:
        window = charge.violated or "minute"
        seconds = charge.retry_after(now)
        super().__init__(
            headers={"Retry-After": str(seconds)},
            extensions={"violated-policies": [window]},
            limit=charge.tighter[0],
            window_es={"minute": "minuto", "day": "día"}[window],
            window_en=window,
            seconds=seconds,
        )
