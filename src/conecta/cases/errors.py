"""Refusals of cases, their notes and their categories."""

from collections.abc import Sequence

from conecta.kit.errors import FieldError, Problem
from conecta.kit.language import Text


class DuplicateCase(Problem):
    status = 409
    code = "duplicate_case"
    title = Text("El expediente ya existe", "The case already exists")
    detail = Text(
        "Ya hay un expediente con ese external_id: {existing_id}. Actualízalo en lugar de crear otro.",
        "There is already a case with that external_id: {existing_id}. Update that one instead.",
    )
    extension_names = ("existing_id",)

    def __init__(self, existing_id: str) -> None:
        message = Text(f"Ya lo tiene {existing_id}.", f"{existing_id} has it already.")
        super().__init__(
            errors=[FieldError("/external_id", "duplicate", str(message))],
            extensions={"existing_id": existing_id},
            existing_id=existing_id,
        )


class _StateRefusal(Problem):
    """Base of the refusals that name the state of the case and the states it may go to."""

    status = 409
    extension_names = ("current_status", "allowed")

    def __init__(self, *, number: str, case_id: str, status: str, allowed: Sequence[str]) -> None:
        super().__init__(
            extensions={"current_status": status, "allowed": list(allowed)},
            number=number,
            case_id=case_id,
            status=status,
            allowed=", ".join(allowed) or "—",
        )


class CaseClosed(_StateRefusal):
    code = "case_closed"
    title = Text("El expediente está cerrado", "The case is closed")
    detail = Text(
        "El expediente {number} ya está cerrado. Desde ahí puede pasar a: {allowed}; "
        "para modificarlo, reábrelo con POST /cases/{case_id}/reopen.",
        "Case {number} is closed already. From there it may go to: {allowed}; "
        "to change it, reopen it with POST /cases/{case_id}/reopen.",
    )


class CaseArchived(_StateRefusal):
    code = "case_archived"
    title = Text("El expediente está archivado", "The case is archived")
    detail = Text(
        "El expediente {number} está archivado. Desde ahí solo puede pasar a: {allowed}, "
        'con PATCH /cases/{case_id} y {{"status":"closed"}}.',
        "Case {number} is archived. From there it may only go to: {allowed}, "
        'with PATCH /cases/{case_id} and {{"status":"closed"}}.',
    )


class InvalidTransition(_StateRefusal):
    code = "invalid_transition"
    title = Text("Cambio de estado no permitido", "Change of state not allowed")
    detail = Text(
        "El expediente {number} está en {status}; desde ahí puede pasar a: {allowed}.",
        "Case {number} is {status}; from there it may go to: {allowed}.",
    )


class CaseNumberUnavailable(Problem):
    status = 409
    code = "case_number_unavailable"
    title = Text("No se puede numerar el expediente", "The case cannot be numbered")
    detail = Text(
        "El formato de numeración de la firma ({number_format}) no es válido o repite un número "
        "que ya existe. Cámbialo en los ajustes de la firma.",
        "The firm's number format ({number_format}) is not valid or repeats a number that exists already. "
        "Change it in the firm's settings.",
    )


class DuplicateCategory(Problem):
    status = 409
    code = "duplicate_category"
    title = Text("La categoría ya existe", "The category already exists")
    detail = Text(
        "Ya hay una categoría con el código {category}, activa o archivada. Modifícala con PATCH.",
        "There is already a category with the code {category}, active or archived. Change it with PATCH.",
    )

    def __init__(self, category: str) -> None:
        message = Text("Ya existe.", "It exists already.")
        super().__init__(errors=[FieldError("/code", "duplicate", str(message))], category=category)
