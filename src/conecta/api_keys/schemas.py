"""Wire schemas of API keys."""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from conecta.auth.scopes import Scope
from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp
from conecta.kit.validation import Refused


def _network(value: str) -> str:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise _no_network() from None
    if isinstance(network, ipaddress.IPv6Network):
        if network.network_address.scope_id is not None:
            raise _no_network()
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= _MAPPED_PREFIX:
            # Callers' addresses are compared as IPv4 when they are mapped into IPv6; so are networks.
            return f"{mapped}/{network.prefixlen - _MAPPED_PREFIX}"
    return str(network)


_MAPPED_PREFIX = 96


def _no_network() -> Refused:
    return Refused(
        "invalid_network",
        Text("Formato: 203.0.113.0/24 o 2001:db8::/32.", "Format: 203.0.113.0/24 or 2001:db8::/32."),
    )


Network = Annotated[str, Field(max_length=50, examples=["203.0.113.0/24"]), AfterValidator(_network)]


class ApiKeyCreate(Schema):
    """A key to create."""

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["CRM"])]
    """What it is for; people see it in the panel and in the history of cases."""
    scopes: Annotated[list[Annotated[Scope, Field(strict=False)]], Field(min_length=1, max_length=len(Scope))]
    """What it may do."""
    mode: Literal["live", "test"] | None = None
    """`test` works on the firm's sandbox; by default, the mode of the credential that creates it."""
    allowed_addresses: Annotated[list[Network], Field(max_length=50)] = Field(default_factory=list)
    """Networks (CIDR) it is accepted from; empty: any."""
    expires_at: Timestamp | None = None
    """When it stops working; null: never."""


class ApiKeyRoll(Schema):
    """How to replace a key."""

    grace_seconds: Annotated[int, Field(ge=0, le=7 * 86_400)] = 86_400
    """How long the old key still works, in seconds: 24 hours unless told, 7 days at most."""


class ApiKeyRead(ReadSchema):
    """A key, without its secret."""

    id: str
    """`key_…`."""
    name: str
    """What it is for."""
    hint: str
    """The first and last characters of the key."""
    mode: Literal["live", "test"]
    """`test` keys work on the sandbox."""
    scopes: list[Scope]
    """What it may do."""
    allowed_addresses: list[str]
    """Networks it is accepted from; empty: any."""
    status: Literal["active", "expired", "revoked"]
    """Only `active` keys are accepted."""
    expires_at: Timestamp | None
    """When it stops working."""
    revoked_at: Timestamp | None
    """When it was revoked."""
    replaced_by: str | None
    """The key that replaces it, after a roll."""
    last_used_at: Timestamp | None
    """Last use, to within a few seconds."""
    last_used_address: str | None
    """Address of the last use."""
    last_used_agent: str | None
    """User-Agent of the last use."""
    last_used_route: str | None
    """Method and path of the last use."""
    created_at: Timestamp
    """When it was created."""


class ApiKeyCreated(ApiKeyRead):
    """A new key; this is the only time its secret is shown."""

    key: str
    """The secret: `sk_live_cnt_…` or `sk_test_cnt_…`. Keep it now; it cannot be read again."""


class ApiKeyFilters(PageParams):
    """Filters of `GET /api-keys`."""

    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order."""
