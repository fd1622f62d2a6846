"""How states are called on pages, and in which colour they are shown."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from conecta.kit.language import Text


class Word(NamedTuple):
    """A state: its words, and the kind of its badge."""

    text: Text
    kind: str


KEY_STATUS: Final[Mapping[str, Word]] = {
    "active": Word(Text("Activa", "Active"), "success"),
    "expired": Word(Text("Caducada", "Expired"), "neutral"),
    "revoked": Word(Text("Revocada", "Revoked"), "danger"),
}

HEALTH: Final[Mapping[str, Word]] = {
    "healthy": Word(Text("Funciona", "Healthy"), "success"),
    "unhealthy": Word(Text("Falla", "Failing"), "warning"),
    "warning": Word(Text("Falla desde hace un día", "Failing for a day"), "danger"),
    "disabled": Word(Text("Desactivado", "Disabled"), "neutral"),
}

DISABLED_REASON: Final[Mapping[str, Text]] = {
    "manual": Text("Lo desactivó alguien de la firma.", "Somebody of the firm disabled it."),
    "gone": Text(
        "Se desactivó solo: el servidor contestó 410 (ya no existe).",
        "It disabled itself: the server answered 410 (gone).",
    ),
    "failing": Text(
        "Se desactivó solo: llevaba cinco días fallando.", "It disabled itself after failing for five days."
    ),
}

DELIVERY_STATUS: Final[Mapping[str, Word]] = {
    "pending": Word(Text("Pendiente", "Pending"), "info"),
    "delivered": Word(Text("Entregada", "Delivered"), "success"),
    "failed": Word(Text("Fallida", "Failed"), "danger"),
    "parked": Word(Text("Retenida", "Parked"), "neutral"),
}

MESSAGE_STATUS: Final[Mapping[str, Word]] = {
    "queued": Word(Text("En cola", "Queued"), "info"),
    "sent": Word(Text("Enviado", "Sent"), "success"),
    "failed": Word(Text("Fallido", "Failed"), "danger"),
    "captured": Word(Text("Capturado", "Captured"), "neutral"),
}

INVITATION_STATUS: Final[Mapping[str, Word]] = {
    "pending": Word(Text("Pendiente", "Pending"), "info"),
    "accepted": Word(Text("Aceptada", "Accepted"), "success"),
    "revoked": Word(Text("Retirada", "Taken back"), "neutral"),
    "expired": Word(Text("Caducada", "Expired"), "warning"),
}

APP_KINDS: Final[Mapping[str, Text]] = {
    "confidential": Text("Con secreto (servidor)", "With a secret (server)"),
    "public": Text("Sin secreto (web o móvil)", "Without a secret (web or mobile)"),
}

# How an app may get tokens: its name on the wire, its words, and what that means.
APP_GRANT_TYPES: Final = (
    (
        "authorization_code",
        Text("Con el permiso de cada persona", "With each person's consent"),
        Text(
            "La persona entra aquí y decide qué le permite.",
            "The person signs in here and decides what to allow.",
        ),
    ),
    (
        "refresh_token",
        Text("También cuando no está delante", "Also while they are away"),
        Text("Renueva sola el acceso que le dieron.", "It renews by itself the access it was given."),
    ),
    (
        "client_credentials",
        Text("En nombre de la firma, sin nadie", "For the firm itself, with nobody"),
        Text(
            "Solo con secreto, solo en esta firma, y con todos los permisos de abajo.",
            "Only with a secret, only in this firm, and with all the permissions below.",
        ),
    ),
)

CHANGED_MEANWHILE: Final = Text(
    "Alguien ha guardado otros cambios mientras tanto. Estos son los tuyos: si vuelves a guardar, sustituyen"
    " a los suyos.",
    "Somebody saved other changes in the meantime. These are yours: if you save again, they replace theirs.",
)

PLANS: Final[Mapping[str, str]] = {
    "free": "Free / Trial",
    "professional": "Professional",
    "enterprise": "Enterprise",
}


def health_of(endpoint: Mapping[str, str]) -> Word:
    """Return how an endpoint is doing; one that is disabled does nothing."""
    return HEALTH["disabled" if endpoint["status"] == "disabled" else endpoint["health"]]
