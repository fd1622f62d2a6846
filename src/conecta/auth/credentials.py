"""What the gate needs of whoever implements credentials: `api_keys` now, OAuth tokens later."""

from dataclasses import dataclass
from typing import Protocol

from conecta.kit.rate_limit import Charge

from .caller import Caller


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as it arrived, and from where."""

    token: str
    address: str
    user_agent: str
    route: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A valid credential's caller; and the charge, when looking it up charged the request already."""

    caller: Caller
    charge: Charge | None = None


class Credentials(Protocol):
    """One kind of credential."""

    def recognises(self, token: str) -> bool:
        """Say by its form alone whether a token is of this kind."""
        ...

    async def admit(self, presented: Presented) -> Admission:
        """Return the caller; raise Unauthorized when the credential is unknown, revoked or expired."""
        ...
