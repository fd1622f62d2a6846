"""Refusals of services."""

from conecta.kit.errors import FieldError, Problem
from conecta.kit.language import Text


class DuplicateService(Problem):
    status = 409
    code = "duplicate_service"
    title = Text("Ya hay un servicio con ese slug", "There is a service of that slug already")
    detail = Text(
        "El slug {slug} es de {existing_id}. Elige otro.",
        "The slug {slug} is {existing_id}'s. Choose another.",
    )
    extension_names = ("existing_id",)

    def __init__(self, slug: str, existing_id: str) -> None:
        message = Text(f"Ya lo tiene {existing_id}.", f"{existing_id} has it already.")
        super().__init__(
            errors=[FieldError("/slug", "duplicate", str(message))],
            extensions={"existing_id": existing_id},
            slug=slug,
            existing_id=existing_id,
        )
