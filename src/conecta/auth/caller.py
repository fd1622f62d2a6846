"""Who is calling, whatever the credential was."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from conecta.kit.rate_limit import Limits


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's author.

    `firm`: the firm itself (API key, client credentials); `user`: a member of the firm; `client`: a
    client of the firm, who sees and touches only their own rows; `visitor`: anybody on the firm's website,
    who may do what the firm offers to all.
    """

    kind: Literal["firm", "user", "client", "visitor"]
    tenant_id: str
    scopes: frozenset[str]
    credential_id: str
    name: str
    plan: str
    limits: Limits
    sandbox: bool = False
    firm_id: str = ""
    user_id: str | None = None
    client_id: str | None = None
    clock_offset: timedelta = timedelta(0)
    time_zone: str = "Europe/Madrid"
