"""Refusals of users."""

from conecta.kit.errors import FieldError, Problem
from conecta.kit.language import Text


class DuplicateUser(Problem):
    status = 409
    code = "duplicate_user"
    title = Text("Ya es miembro de la firma", "Already a member of the firm")
    detail = Text(
        "Ya hay un miembro con esa dirección: {existing_id}.",
        "There is already a member with that address: {existing_id}.",
    )
    extension_names = ("existing_id",)

    def __init__(self, existing_id: str) -> None:
        message = Text(f"La tiene {existing_id}.", f"{existing_id} has it.")
        super().__init__(
            errors=[FieldError("/email", "duplicate", str(message))],
            extensions={"existing_id": existing_id},
            existing_id=existing_id,
        )


class LastOwner(Problem):
    status = 409
    code = "last_owner"
    title = Text("La firma necesita un titular", "The firm needs an owner")
    detail = Text(
        "{id} es el único titular activo; nombra antes a otro.",
        "{id} is the only active owner; name another one first.",
    )
