"""What an endpoint may be, which secrets sign for it, and what a delivery's state allows; no SQL, no HTTP."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from yarl import URL

from conecta.kit.language import Text
from conecta.kit.outbound_http import OutboundPolicy
from conecta.settings import Settings

# What the key that seals secrets is derived for: whoever opens one must name the same purpose.
SECRET_PURPOSE: Final = "webhook secrets"  # noqa: S105 - it names a use and is no secret

MAX_ENDPOINTS: Final = 50
DEFAULT_GRACE_SECONDS: Final = 86_400
MAX_GRACE_SECONDS: Final = 604_800

# A pending delivery that is due within this time is on its way: due, held by a worker, or about to be.
UNDER_WAY: Final = timedelta(seconds=60)

# Every reason for which `kit.outbound_http.check_url` refuses a URL, told to the person who registers it.
REFUSALS: Final[Mapping[str, Text]] = {
    "url_too_long": Text("La URL es demasiado larga.", "The URL is too long."),
    "url_malformed": Text(
        "Tiene que ser una URL absoluta, sin espacios ni barras invertidas.",
        "It must be an absolute URL, without spaces or backslashes.",
    ),
    "scheme_not_allowed": Text("Tiene que empezar por {schemes}.", "It must start with {schemes}."),
    "userinfo_not_allowed": Text(
        "No puede llevar usuario ni contraseña.", "It must not carry a user name or a password."
    ),
    "fragment_not_allowed": Text("No puede llevar fragmento (#).", "It must not carry a fragment (#)."),
    "host_invalid": Text("El nombre del servidor no es válido.", "The host name is not valid."),
    "host_is_ours": Text(
        "Apunta a este mismo servicio; tiene que ser un servidor tuyo.",
        "It points back at this service; it must be a server of yours.",
    ),
    "host_is_local": Text(
        "Ese nombre solo existe dentro de una red privada; tiene que ser accesible desde internet.",
        "That name only exists inside a private network; it must be reachable from the internet.",
    ),
    "port_not_allowed": Text("Puertos admitidos: {ports}.", "Accepted ports: {ports}."),
    "address_spelling": Text(
        "Escribe la dirección en su forma normal, como 8.8.8.8.",
        "Write the address in its plain form, such as 8.8.8.8.",
    ),
    "address_forbidden": Text(
        "Esa dirección es privada o reservada; tiene que ser accesible desde internet.",
        "That address is private or reserved; it must be reachable from the internet.",
    ),
}
_REFUSED = Text("No se puede llamar a esa URL.", "That URL cannot be called.")


def outbound_policy(settings: Settings) -> OutboundPolicy:
    """Return what webhook URLs may point at, when they are registered and whenever they are dialled.

    `webhook_allow_private` (demo, tests) opens http, every port and this machine itself, so our own name
    is refused only without it.
    """
    private = settings.webhook_allow_private
    own = URL(settings.base_url).host_subcomponent
    return OutboundPolicy(
        allow_private=private,
        allow_http=private,
        ports=frozenset(settings.webhook_ports),
        own_hosts=frozenset() if private or own is None else frozenset({own}),
        proxy=settings.webhook_proxy_url,
        total_timeout=settings.webhook_timeout_seconds,
    )


def refusal(code: str, policy: OutboundPolicy) -> Text:
    """Say in both languages why a URL was refused with this code."""
    ports = ", ".join(str(port) for port in sorted(policy.ports or ()))
    schemes = "http:// / https://" if policy.allow_http else "https://"
    return REFUSALS.get(code, _REFUSED).fill(ports=ports, schemes=schemes)


def active_secrets(
    secret: str, pending: str | None, rotation_ends_at: datetime | None, now: datetime
) -> tuple[str, list[str]]:
    """Return the secret of `X-Webhook-Signature`, and all that sign `webhook-signature`, newest first.

    While a rotation runs both sign, and receivers that only know the old secret keep it on the legacy
    header. A rotation whose end has passed counts as promoted, whether or not somebody has tidied it up.
    """
    if pending is None:
        return secret, [secret]
    if rotation_runs(rotation_ends_at, now):
        return secret, [pending, secret]
    return pending, [pending]


def rotation_runs(rotation_ends_at: datetime | None, now: datetime) -> bool:
    """Say whether a rotation that was started is still in its grace period."""
    return rotation_ends_at is not None and now < rotation_ends_at


def may_resend(status: str, due_at: datetime | None, now: datetime) -> bool:
    """Say whether a delivery may be made due now.

    One that waits for a later retry may; one that goes out within a minute, or is going out, may not:
    it would be sent twice.
    """
    return status != "pending" or due_at is None or due_at > now + UNDER_WAY


def version_of(version: int, rotation_ends_at: datetime | None, now: datetime) -> str:
    """Return the version that an endpoint's ETag shows; the end of a rotation changes what is read, too.

    `queries.ENDPOINTS` writes the same.
    """
    return f"{version}-rotating" if rotation_runs(rotation_ends_at, now) else str(version)
