"""What the gate needs of whoever implements credentials: `api_keys` and `oauth`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from conecta.kit.rate_limit import Charge

from .caller import Caller


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential as it arrived, and from where.

    `scheme` is `bearer` or `dpop`; `proofs` are the DPoP headers, which prove something of method and path.
    `origin` is that of the web page that calls, as its browser says; empty when no page does.
    """

    token: str
    address: str
    user_agent: str
    route: str
    scheme: str = "bearer"
    proofs: Sequence[str] = ()
    method: str = ""
    path: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """A valid credential's caller; and the charge, when looking it up charged the request already."""

    caller: Caller
    charge: Charge | None = None


class Credentials(Protocol):
    """One kind of credential; `schemes` are those of Authorization that it may come with."""

    schemes: frozenset[str]

    def recognises(self, token: str) -> bool:
        """Say by its form alone whether a token is of this kind."""
        ...

    async def admit(self, presented: Presented) -> Admission:
        """Return the caller; raise Unauthorized when the credential is unknown, revoked or expired, and
        OriginNotAllowed when it is not accepted from the page that calls.
        """
        ...
