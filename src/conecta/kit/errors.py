"""Every refusal of the API is a `Problem`: one class a code, one shape on the wire (RFC 9457).

A feature declares its own in `errors.py`; `docs/errors.md` and the OpenAPI document list them all.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from .language import Text

MEDIA_TYPE = "application/problem+json"
# What an error_description may not have (RFC 6750 §3).
_CHALLENGED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


@dataclass(frozen=True)
class FieldError:
    """One thing wrong in a request: where (JSON pointer, RFC 6901), which rule, and a sentence."""

    pointer: str
    code: str
    message: str


class Problem(Exception):
    """Base of all refusals. Class attributes are the contract; the instance fills in the details."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[Text] = Text("Error interno del servidor", "Internal server error")
    detail: ClassVar[Text] = Text(
        "Algo ha fallado en nuestro lado. Reintenta y, si persiste, envíanos el request_id.",
        "Something failed on our side. Retry and, if it persists, send us the request_id.",
    )
    type_uri: ClassVar[str | None] = None
    # What this refusal adds to the body besides the common members; it goes into the documentation.
    extension_names: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
        **values: object,
    ) -> None:
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})
        self.sentence = self.detail.fill(**values)
        super().__init__(f"{self.code}: {self.sentence.en}")

    def body(self, *, base_url: str, instance: str, request_id: str) -> dict[str, Any]:
        """Return the members of the problem+json body, in the caller's language."""
        return {
            "type": self.type_uri or f"{base_url}/errors/{self.code}",
            "title": str(self.title),
            "status": self.status,
            "detail": str(self.sentence),
            "instance": instance,
            "code": self.code,
            "request_id": request_id,
            "errors": [asdict(error) for error in self.errors],
            **self.extensions,
        }


class InternalError(Problem):
    """500: a fault of ours; the request id leads to the log."""


class MalformedRequest(Problem):
    status = 400
    code = "malformed_request"
    title = Text("Petición malformada", "Malformed request")
    detail = Text("{reason_es}", "{reason_en}")

    def __init__(self, reason: Text, **more: Any) -> None:
        super().__init__(reason_es=reason.es, reason_en=reason.en, **more)


class InvalidParameter(Problem):
    status = 400
    code = "invalid_parameter"
    title = Text("Parámetro no válido", "Invalid parameter")
    detail = Text(
        "Algún parámetro de la URL no es válido; cada uno se explica en errors.",
        "Some parameter of the URL is not valid; each one is explained in errors.",
    )


class Unauthorized(Problem):
    status = 401
    code = "unauthorized"
    title = Text("Falta una credencial válida", "A valid credential is missing")
    detail = Text("{reason_es}", "{reason_en}")

    def __init__(
        self,
        reason: Text,
        *,
        error: str | None = "invalid_token",
        scheme: str = "Bearer",
        algs: Sequence[str] = (),
    ) -> None:
        """Refuse a credential.

        Args:
            reason: why, for people; its English goes into the challenge too.
            error: the code of RFC 6750 §3.1 or RFC 9449 §7.1; None when no credential came at all.
            scheme: the scheme that the credential should have come with.
            algs: the algorithms that a DPoP proof may be signed with.
        """
        challenge = f'{scheme} realm="conecta"'
        if error:
            challenge += f', error="{error}", error_description="{_CHALLENGED.sub("?", reason.en)}"'
        if algs:
            challenge += f', algs="{" ".join(algs)}"'
        headers = {"WWW-Authenticate": challenge}
        super().__init__(headers=headers, reason_es=reason.es, reason_en=reason.en)


class InsufficientScope(Problem):
    status = 403
    code = "insufficient_scope"
    title = Text("Permiso insuficiente", "Insufficient permission")
    detail = Text(
        "Esta operación exige el permiso {scope}; la credencial tiene: {granted}.",
        "This operation requires the scope {scope}; the credential has: {granted}.",
    )

    def __init__(self, scope: str, granted: str) -> None:
        challenge = f'Bearer realm="conecta", error="insufficient_scope", scope="{scope}"'
        super().__init__(headers={"WWW-Authenticate": challenge}, scope=scope, granted=granted or "—")


class TenantMismatch(Problem):
    status = 403
    code = "tenant_mismatch"
    title = Text("La cabecera X-Tenant-ID no es la de la credencial", "X-Tenant-ID is not the credential's")
    detail = Text(
        "La credencial decide la firma. Quita la cabecera X-Tenant-ID o envía la de la credencial.",
        "The credential decides the firm. Drop the X-Tenant-ID header or send the credential's own.",
    )


class NotFound(Problem):
    status = 404
    code = "not_found"
    title = Text("No encontrado", "Not found")
    detail = Text(
        "No hay ningún recurso con ese identificador en esta firma.",
        "There is no resource with that id in this firm.",
    )


class RouteNotFound(Problem):
    status = 404
    code = "route_not_found"
    title = Text("Ruta no encontrada", "Route not found")
    detail = Text("No existe la ruta {path}. Consulta /docs.", "There is no route {path}. See /docs.")


class MethodNotAllowed(Problem):
    status = 405
    code = "method_not_allowed"
    title = Text("Método no permitido", "Method not allowed")
    detail = Text("Aquí se admite: {allowed}.", "Allowed here: {allowed}.")


class NotAcceptable(Problem):
    status = 406
    code = "not_acceptable"
    title = Text("Formato no disponible", "Format not available")
    detail = Text("Esta API responde {offered}.", "This API answers {offered}.")


class Conflict(Problem):
    status = 409
    code = "conflict"
    title = Text("Conflicto con el estado actual", "Conflict with the current state")
    detail = Text(
        "Otra operación ha cambiado o creado lo mismo a la vez. Vuelve a leer y reintenta.",
        "Another operation changed or created the same at the same time. Read again and retry.",
    )


class PreconditionFailed(Problem):
    status = 412
    code = "precondition_failed"
    title = Text("El recurso ha cambiado", "The resource has changed")
    detail = Text(
        "La versión actual es {current}; If-Match traía otra. Vuelve a leer y reintenta.",
        "The current version is {current}; If-Match had another. Read again and retry.",
    )


class BodyTooLarge(Problem):
    status = 413
    code = "body_too_large"
    title = Text("Cuerpo demasiado grande", "Body too large")
    detail = Text("El máximo es de {limit} bytes.", "The maximum is {limit} bytes.")


class UnsupportedMediaType(Problem):
    status = 415
    code = "unsupported_media_type"
    title = Text("Tipo de contenido no admitido", "Unsupported content type")
    detail = Text(
        "Envía el cuerpo con Content-Type: application/json.",
        "Send the body with Content-Type: application/json.",
    )


class ValidationFailed(Problem):
    status = 422
    code = "validation_failed"
    title = Text("Errores de validación", "Validation errors")
    detail = Text(
        "El cuerpo no cumple las reglas; cada fallo se explica en errors.",
        "The body breaks some rules; each one is explained in errors.",
    )

    @classmethod
    def at(cls, pointer: str, code: str, message: Text) -> "ValidationFailed":
        """Make the refusal of a single member of the body."""
        return cls(errors=[FieldError(pointer, code, str(message))])


class IdempotencyInFlight(Problem):
    status = 409
    code = "idempotency_in_flight"
    title = Text("La misma petición sigue en curso", "The same request is still running")
    detail = Text(
        "Otra petición con esta Idempotency-Key aún no ha terminado. Reintenta en un segundo.",
        "Another request with this Idempotency-Key has not finished. Retry in a second.",
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


class IdempotencyKeyReused(Problem):
    status = 422
    code = "idempotency_key_reused"
    title = Text("Idempotency-Key ya usada con otra petición", "Idempotency-Key used with another request")
    detail = Text(
        "Esta clave ya acompañó a una petición distinta en las últimas 24 horas. Usa otra.",
        "This key came with a different request in the last 24 hours. Use another one.",
    )


class ServiceUnavailable(Problem):
    status = 503
    code = "service_unavailable"
    title = Text("Servicio no disponible", "Service unavailable")
    detail = Text(
        "La base de datos no responde ahora mismo. Reintenta en unos segundos.",
        "The database is not answering right now. Retry in a few seconds.",
    )


def all_problems() -> list[type[Problem]]:
    """Return every refusal that has been declared, by status and code."""
    found: dict[str, type[Problem]] = {}
    waiting: list[type[Problem]] = [Problem]
    while waiting:
        problem = waiting.pop()
        waiting.extend(problem.__subclasses__())
        if problem is not Problem:
            found[problem.code] = problem
    return sorted(found.values(), key=lambda problem: (problem.status, problem.code))
