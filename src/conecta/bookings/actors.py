"""Who acts on bookings: the firm's people and programs, its clients, link holders, visitors of its site."""

from dataclasses import dataclass
from typing import Literal

from conecta.auth.caller import Caller
from conecta.kit.crypto import KeyRing


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who books, moves or cancels.

    `firm`: a program of the firm; `user`: a member; `client`: a client with a login, own bookings only;
    `link`: whoever holds the link of one booking; `visitor`: anybody on the firm's website; `system`: we.
    `id` is the member, the client, the key or the link; `time_zone` is the firm's.
    """

    kind: Literal["firm", "user", "client", "link", "visitor", "system"]
    tenant_id: str
    id: str | None
    name: str | None
    client_id: str | None = None
    time_zone: str = "Europe/Madrid"

    @classmethod
    def of(cls, caller: Caller) -> "Actor":
        """Return whoever makes a request."""
        ids = {"user": caller.user_id, "client": caller.client_id}
        return cls(
            kind=caller.kind,
            tenant_id=caller.tenant_id,
            id=ids.get(caller.kind, caller.credential_id),
            name=caller.name,
            client_id=caller.client_id,
            time_zone=caller.time_zone,
        )

    @property
    def is_firm(self) -> bool:
        """Whether the firm itself acts, whom neither its policy nor its rules need to bind."""
        return self.kind in {"firm", "user", "system"}

    @property
    def own(self) -> str | None:
        """The client whose bookings alone this actor may see; None for everybody else.

        A client's token without a client would be a fault of ours: it then matches no booking at all.
        """
        return (self.client_id or "-") if self.kind == "client" else None

    @property
    def source(self) -> str:
        """How what they book came to the firm."""
        return {"client": "client", "visitor": "web", "link": "link"}.get(self.kind, "api")


@dataclass(frozen=True, slots=True)
class Sender:
    """What it takes to write mails about a booking: the keys that seal them and where our pages are.

    `notify` false keeps a change from being told to those who come.
    """

    keyring: KeyRing
    base_url: str
    notify: bool = True
