"""Whoever an app acts for, as far as the OAuth server needs to know them."""

from dataclasses import dataclass
from typing import Literal, Protocol


class SignedIn(Protocol):
    """A signed-in person or client of a firm; a browser session is one."""

    @property
    def kind(self) -> Literal["person", "client"]:
        """A person who works for firms, or a client of one firm."""
        ...

    @property
    def tenant_id(self) -> str:
        """The firm, or its sandbox, that they are in."""
        ...

    @property
    def person_id(self) -> str | None:
        """The person."""
        ...

    @property
    def client_id(self) -> str | None:
        """The client of the firm."""
        ...

    @property
    def name(self) -> str:
        """What to call them."""
        ...


@dataclass(frozen=True)
class Subject:
    """Whom tokens act for, and where: a member of a firm, a client of it, or an app of its own."""

    kind: Literal["person", "client", "app"]
    tenant_id: str
    grant_id: str
    grant_version: int
    family_id: str
    person_id: str | None = None
    user_id: str | None = None
    client_id: str | None = None
    dpop_jkt: str | None = None

    def get_user_id(self) -> str | None:
        """Return the `sub` of the tokens, None for an app on its own (it is its client_id then)."""
        return self.user_id or self.client_id
