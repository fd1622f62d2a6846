"""The port that every provider of calendars stands behind, and what passes through it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

Json = dict[str, Any]
ProviderName = Literal["google", "microsoft"]


class ProviderFailure(Exception):
    """A provider did not do what it was asked; the text is fit for people, and tells no secret."""

    def __init__(self, text: str, *, status: int | None = None) -> None:
        self.status = status
        super().__init__(text[:300])


class ProviderDelays(ProviderFailure):
    """It may work later: after `seconds`, if the provider said so."""

    def __init__(self, text: str, *, status: int | None = None, seconds: float | None = None) -> None:
        self.seconds = seconds
        super().__init__(text, status=status)


class NotAuthorized(ProviderFailure):
    """The account's owner has withdrawn the access, or never gave it: only they can give it again."""


class CursorExpired(ProviderFailure):
    """The provider no longer knows what we have seen: everything must be read anew."""


@dataclass(frozen=True)
class Tokens:
    """What opens an account, until `expires_at` (by the machine's clock)."""

    access: str
    refresh: str | None
    expires_at: datetime


class Api(Protocol):
    """An account's API: authorised requests, with their retries."""

    async def call(
        self,
        method: str,
        url: str,
        *,
        params: Json | None = None,
        body: Json | None = None,
        headers: Json | None = None,
        allow: Sequence[int] = (),
    ) -> "Answer":
        """Send a request; refusals raise ProviderFailure, unless their status is one of `allow`."""
        ...

    async def revoke(self) -> None:
        """Give the access back, where the provider takes it: all that the account's owner gave to us."""
        ...


@dataclass(frozen=True)
class Answer:
    """What a provider answered."""

    status: int
    body: Json


@dataclass(frozen=True)
class RemoteCalendar:
    """One calendar of an account."""

    id: str
    name: str
    time_zone: str
    primary: bool
    writable: bool


@dataclass(frozen=True)
class RemoteEvent:
    """One event, or one occurrence of a recurring one, as far as it concerns us.

    `gone` is one that is no more; `key` is what its writer chose to know it by. Times are UTC; those of a
    whole day are midnights of the calendar's zone.
    """

    id: str
    series_id: str | None = None
    gone: bool = False
    busy: bool = False
    tentative: bool = False
    all_day: bool = False
    start: datetime | None = None
    end: datetime | None = None
    occurrence_start: datetime | None = None
    title: str | None = None
    etag: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Changes:
    """What is new in a calendar since a cursor; `whole` when it is everything there is in the window."""

    events: Sequence[RemoteEvent]
    cursor: str
    whole: bool
    time_zone: str | None = None


@dataclass(frozen=True)
class Window:
    """The period of a calendar that we keep."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class OurEvent:
    """A booking as its host's calendar shows it.

    `key` is the same at every try, and of no other booking; `version` grows with what is wanted.
    """

    key: str
    booking_id: str
    summary: str
    description: str
    location: str
    start: datetime
    end: datetime
    tentative: bool
    version: int


@dataclass(frozen=True)
class Written:
    """An event of ours as it stands now."""

    id: str
    etag: str | None


@dataclass(frozen=True)
class Watch:
    """A provider's promise to notify us, for a while."""

    remote_id: str
    expires_at: datetime


@dataclass(frozen=True)
class Client:
    """How we are known to a provider, and where it is."""

    id: str
    secret: str
    api_url: str
    authorize_url: str
    token_url: str
    revoke_url: str | None = None


class CalendarProvider(Protocol):
    """One provider of calendars. It keeps nothing; what it does goes through the `Api` it is given."""

    name: ProviderName
    title: str
    client: Client
    # What access must have been given for; people may leave out some of what is asked for.
    needs: Collection[str]

    def authorize_url(self, *, state: str, redirect_uri: str, challenge: str) -> str:
        """Return where somebody lets us into their account (RFC 6749 §4.1, with PKCE S256)."""
        ...

    def key_of(self, key: str) -> str:
        """Return the form that the key of an event of ours has in `RemoteEvent.key`."""
        ...

    def refused(self, error: str) -> bool:
        """Say whether the token endpoint's error means that the access was withdrawn for good."""
        ...

    async def account(self, api: Api) -> str:
        """Return the address that the account is known by."""
        ...

    async def calendars(self, api: Api) -> list[RemoteCalendar]:
        """Return the account's calendars."""
        ...

    async def changes(
        self, api: Api, calendar_id: str, zone: str, *, cursor: str | None, window: Window
    ) -> Changes:
        """Return what has changed since the cursor, or everything without one; raise CursorExpired."""
        ...

    async def write(self, api: Api, calendar_id: str, event: OurEvent, known_id: str | None) -> Written:
        """Put an event of ours there as it should be, once, however often it is tried."""
        ...

    async def remove(self, api: Api, calendar_id: str, event: OurEvent | None, known_id: str | None) -> None:
        """Take an event of ours away; one that is not there is no error."""
        ...

    async def watch(self, api: Api, calendar_id: str, *, address: str, channel: str, secret: str) -> Watch:
        """Have changes notified to an address of ours."""
        ...

    async def unwatch(self, api: Api, channel: str, remote_id: str) -> None:
        """End that; one that has ended is no error."""
        ...
