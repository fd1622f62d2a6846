"""Refusals of the firm's website."""

from conecta.kit.errors import FieldError, Problem
from conecta.kit.language import Text


class SlugTaken(Problem):
    status = 409
    code = "slug_taken"
    title = Text("Esa dirección ya está ocupada", "That address is taken")
    detail = Text(
        "Otra firma usa ya la dirección /b/{slug}. Elige otra.",
        "Another firm uses the address /b/{slug}. Choose another one.",
    )

    def __init__(self, slug: str) -> None:
        message = Text("Ya está ocupada.", "It is taken.")
        super().__init__(errors=[FieldError("/slug", "duplicate", str(message))], slug=slug)


class PublishableKeyRevoked(Problem):
    status = 409
    code = "publishable_key_revoked"
    title = Text("La clave publicable está revocada", "The publishable key is revoked")
    detail = Text(
        "La clave {id} está revocada y ya no se puede cambiar. Crea otra.",
        "The key {id} is revoked and cannot be changed any more. Create another one.",
    )


class TooManyPublishableKeys(Problem):
    status = 409
    code = "too_many_publishable_keys"
    title = Text("Demasiadas claves publicables", "Too many publishable keys")
    detail = Text(
        "La firma ya tiene {limit} claves publicables activas. Revoca alguna que no se use.",
        "The firm has {limit} active publishable keys already. Revoke one that is not used.",
    )


class ProofRefused(Problem):
    status = 422
    code = "proof_refused"
    title = Text("Falta la prueba de trabajo", "The proof of work is missing")
    detail = Text(
        "Pide un reto con GET /public/challenge, resuélvelo y envíalo en proof; cada reto vale una vez.",
        "Ask for a challenge with GET /public/challenge, solve it and send it as proof; each is good once.",
    )

    def __init__(self) -> None:
        message = Text("No es la solución de un reto vigente.", "It does not solve a current challenge.")
        super().__init__(errors=[FieldError("/proof", "proof", str(message))])
