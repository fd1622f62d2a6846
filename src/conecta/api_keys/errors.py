"""Refusals of API keys."""

from conecta.kit.errors import Problem
from conecta.kit.language import Text


class KeyRevoked(Problem):
    status = 409
    code = "api_key_revoked"
    title = Text("La clave está revocada", "The key is revoked")
    detail = Text(
        "La clave {id} ya está revocada o sustituida; crea otra.",
        "The key {id} is already revoked or replaced; create another one.",
    )


class ScopeNotYours(Problem):
    status = 403
    code = "scope_not_yours"
    title = Text("No puedes dar ese permiso", "You cannot grant that scope")
    detail = Text(
        "Una clave solo puede crear otras con permisos que ella tiene; le faltan: {missing}.",
        "A key can only create others with scopes of its own; it lacks: {missing}.",
    )
