"""Refusals of clients."""

from conecta.kit.errors import FieldError, Problem
from conecta.kit.language import Text


class DuplicateClient(Problem):
    status = 409
    code = "duplicate_client"
    title = Text("El cliente ya existe", "The client already exists")
    detail = Text(
        "Ya hay un cliente con ese {field}: {existing_id}. Actualízalo en lugar de crear otro.",
        "There is already a client with that {field}: {existing_id}. Update it instead of creating another.",
    )
    extension_names = ("existing_id",)

    def __init__(self, field: str, existing_id: str) -> None:
        message = Text(f"Ya lo tiene {existing_id}.", f"{existing_id} has it already.")
        super().__init__(
            errors=[FieldError(f"/{field}", "duplicate", str(message))],
            extensions={"existing_id": existing_id},
            field=field,
            existing_id=existing_id,
        )


class ClientArchived(Problem):
    status = 409
    code = "client_archived"
    title = Text("El cliente está archivado", "The client is archived")
    detail = Text(
        "El cliente {id} está archivado; restáuralo con POST /clients/{id}/restore.",
        "The client {id} is archived; restore it with POST /clients/{id}/restore.",
    )
