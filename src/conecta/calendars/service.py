"""Connections to people's calendars elsewhere: made, listed, set up, ended."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.bookings.service import Sender, take_turn
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.schemas import changes_of
from conecta.settings import Settings
from conecta.users import service as users

from . import accounts, moves, queries
from .errors import ChangeRefused, ConnectionEnded, ProviderNotSetUp
from .http import AccountApi, Http, fetch_tokens
from .models import CalendarConnection
from .provider import CalendarProvider, ProviderFailure, RemoteCalendar, RemoteEvent, Tokens
from .schemas import CalendarAuthorize, ChangeDecision, ConnectionFilters, ConnectionUpdate
from .sync_queries import put_back

_STATE, _VERIFIER = "calendar authorizations", "calendar code verifiers"
_LIFE: Final = timedelta(minutes=10)
# Time that is over is shown in the calendar for a while; a booking of long ago may still be marked as missed.
_BUSY_KEPT, _EVENTS_KEPT = timedelta(days=7), timedelta(days=30)
_WHOSE = Text(
    "Di de quién son los calendarios: el id de un miembro de la firma.",
    "Say whose calendars they are: the id of a member of the firm.",
)
_OWN = Text("Cada cual conecta los suyos.", "People connect their own.")
_UNKNOWN_MEMBER = Text("No hay ningún miembro con ese id.", "There is no member with that id.")
_UNKNOWN_CALENDAR = Text("La cuenta no tiene ese calendario.", "The account has no such calendar.")
_READ_ONLY = Text("En ese calendario no se puede escribir.", "That calendar cannot be written into.")


@dataclass(frozen=True)
class Setup:
    """What it takes to reach the providers."""

    database: Database
    keyring: KeyRing
    settings: Settings

    def redirect_uri(self, provider: str) -> str:
        """Where a provider sends people back to."""
        return f"{self.settings.base_url}/calendars/callback/{provider}"


class ConnectingFailed(Exception):
    """An account could not be connected; `text` says why, to whoever tried."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


def own_of(caller: Caller) -> str | None:
    """Return the member whose connections alone a caller may see; None for the firm itself."""
    return caller.user_id if caller.kind == "user" else None


async def list_connections(
    reads: Reads, pager: Pager, *, caller: Caller, filters: ConnectionFilters
) -> PageOfRows:
    """Return a page of the firm's connections, or of the calling member's own."""
    return await queries.page(reads, pager, caller.tenant_id, filters, own=own_of(caller))


async def read_connection(reads: Reads, *, caller: Caller, connection_id: str) -> str:
    """Return a connection as JSON text; raise NotFound."""
    key = canonical("cal", connection_id)
    found = await queries.one(reads, caller.tenant_id, key, own=own_of(caller)) if key else None
    if found is None:
        raise NotFound
    return found


async def authorize(
    reads: Reads, setup: Setup, *, caller: Caller, wanted: CalendarAuthorize
) -> tuple[str, datetime]:
    """Return where a member lets us into their account, and until when.

    Raises ValidationFailed for who is no member, or another than the one who calls, and ProviderNotSetUp.
    """
    user_id = wanted.user_id or caller.user_id
    if user_id is None:
        raise ValidationFailed.at("/user_id", "required", _WHOSE)
    if own_of(caller) not in {None, user_id}:
        raise ValidationFailed.at("/user_id", "not_yours", _OWN)
    try:
        await users.read_user(reads, tenant_id=caller.tenant_id, user_id=user_id)
    except NotFound:
        raise ValidationFailed.at("/user_id", "unknown_user", _UNKNOWN_MEMBER) from None
    provider = accounts.providers(setup.settings).get(wanted.provider)
    if provider is None:
        raise ProviderNotSetUp(provider=wanted.provider)
    expires_at, nonce = clock.real_now() + _LIFE, secrets.token_urlsafe(16)
    bound = [caller.tenant_id, user_id, wanted.provider, nonce, int(expires_at.timestamp())]
    state = setup.keyring.sign(_STATE, json.dumps(bound).encode())
    challenge = base64.urlsafe_b64encode(hashlib.sha256(_verifier(setup, nonce).encode()).digest()).decode()
    redirect_uri = setup.redirect_uri(wanted.provider)
    url = provider.authorize_url(state=state, redirect_uri=redirect_uri, challenge=challenge.rstrip("="))
    return url, expires_at


async def connect(setup: Setup, *, provider_name: str, state: str, code: str) -> str:
    """Take the code that a provider sent somebody back with; return the account's address.

    Raises ConnectingFailed.
    """
    payload = setup.keyring.verify(_STATE, state)
    provider = accounts.providers(setup.settings).get(provider_name)
    if payload is None or provider is None:
        raise ConnectingFailed(_BAD_LINK)
    tenant_id, user_id, bound_provider, nonce, expires_at = json.loads(payload)
    if bound_provider != provider_name:
        raise ConnectingFailed(_BAD_LINK)
    if clock.real_now().timestamp() > expires_at:
        raise ConnectingFailed(_OLD_LINK)
    try:
        async with Http() as http:
            form = {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": setup.redirect_uri(provider_name),
                "code_verifier": _verifier(setup, nonce),
            }
            tokens = await fetch_tokens(http, provider, form)
            account, calendars = await _look_around(http, provider, tokens)
    except ProviderFailure:
        raise ConnectingFailed(_REFUSED) from None
    if tokens.refresh is None:
        raise ConnectingFailed(_NOT_LASTING)
    sealed = accounts.seal(setup.keyring, tokens)
    async with setup.database.transaction(tenant_id=tenant_id) as session:
        await _store(session, tenant_id, user_id, provider_name, account, sealed, calendars)
    return account


async def update_connection(
    session: AsyncSession, *, caller: Caller, connection_id: str, wanted: ConnectionUpdate
) -> str:
    """Change what is read and written, and what follows what; return the connection as JSON text.

    Raises NotFound, ValidationFailed.
    """
    connection = await _for_change(session, caller, connection_id)
    changes = changes_of(wanted, nullable={"write_calendar_id"})
    known = await queries.sources(session, connection.tenant_id, connection.id)
    chosen = changes.pop("busy_calendar_ids", None)
    for i, calendar_id in enumerate(chosen or ()):
        if calendar_id not in known:
            raise ValidationFailed.at(f"/busy_calendar_ids/{i}", "unknown_calendar", _UNKNOWN_CALENDAR)
    target = changes.get("write_calendar_id")
    if target is not None and not known.get(target):
        fault = ("read_only", _READ_ONLY) if target in known else ("unknown_calendar", _UNKNOWN_CALENDAR)
        raise ValidationFailed.at("/write_calendar_id", *fault)
    titles = changes.pop("keep_titles", connection.titles)
    for name, value in changes.items():
        if getattr(connection, name) != value:
            setattr(connection, name, value)
    if target is not None:
        await queries.mirror_coming(session, connection.tenant_id, connection.id, clock.now())
    await queries.lock_sources(session, connection.tenant_id, connection.id)
    if chosen is not None:
        await queries.choose(session, connection.tenant_id, connection.id, chosen)
    await _keep_titles(session, connection, keep=titles)
    connection.due_at = clock.real_now()
    await _record(session, caller, connection, "calendar_connection.changed")
    return await read_connection(SessionReads(session), caller=caller, connection_id=connection.id)


async def end_connection(session: AsyncSession, *, caller: Caller, connection_id: str) -> None:
    """Stop following an account; what it took of the member's time is free. Twice is no error.

    The events of bookings stay in the calendar as they are. Raises NotFound.
    """
    connection = await _for_change(session, caller, connection_id)
    if connection.state == "disconnected":
        return
    connection.state, connection.last_error = "disconnected", None
    connection.due_at = clock.real_now()
    await queries.lock_sources(session, connection.tenant_id, connection.id)
    await queries.free_all(session, connection.tenant_id, connection.id)
    await _record(session, caller, connection, "calendar_connection.ended")


async def sync_now(session: AsyncSession, *, caller: Caller, connection_id: str) -> str:
    """Have an account read at once; return the connection as JSON text.

    Raises NotFound, ConnectionEnded.
    """
    connection = await _for_change(session, caller, connection_id)
    if connection.state != "active":
        raise ConnectionEnded(status=connection.state)
    # Calendars that have come or gone there are found as well.
    connection.due_at, connection.listed_at = clock.real_now(), None
    return await read_connection(SessionReads(session), caller=caller, connection_id=connection.id)


async def decide(
    session: AsyncSession,
    sender: Sender,
    *,
    caller: Caller,
    connection_id: str,
    booking_id: str,
    wanted: ChangeDecision,
) -> str:
    """Say what becomes of an event that was moved; return the connection as JSON text.

    Raises NotFound, and ChangeRefused (409) when the booking cannot go where the event is.
    """
    connection = await _for_change(session, caller, connection_id)
    key = canonical("bkg", booking_id)
    moved = await queries.open_change(session, caller.tenant_id, connection.id, key) if key else None
    if key is None or moved is None:
        raise NotFound
    if wanted.decision == "revert":
        await put_back(session, caller.tenant_id, connection.id, key)
    else:
        event = RemoteEvent("", start=moved[0], end=moved[1])
        if refusal := await moves.follow(session, sender, caller.tenant_id, caller.name, key, event):
            raise ChangeRefused(rule=refusal)
    return await read_connection(SessionReads(session), caller=caller, connection_id=connection.id)


async def delete_past(database: Database) -> int:
    """Delete the time that was taken and is over, and what is known of events of bookings long past.

    The events themselves stay where they are. Returns how many rows went.
    """
    now, deleted = clock.real_now(), 0
    while batch := await queries.delete_past_busy(database, now - _BUSY_KEPT):
        deleted += batch
    while batch := await queries.delete_past_events(database, now - _EVENTS_KEPT):
        deleted += batch
    return deleted


async def _look_around(
    http: Http, provider: CalendarProvider, tokens: Tokens
) -> tuple[str, list[RemoteCalendar]]:
    async def keep(_renewed: Tokens) -> None:
        """Nothing is stored yet that could be renewed."""

    api = AccountApi(http, provider, tokens, keep)
    return await provider.account(api), await provider.calendars(api)


async def _store(
    session: AsyncSession,
    tenant_id: str,
    user_id: str,
    provider: str,
    account: str,
    sealed: bytes,
    calendars: list[RemoteCalendar],
) -> None:
    """Make a connection, or bring the one of the same account back to life."""
    # The agenda's turn: coming bookings are locked below, and who opens the link twice must not make two.
    await take_turn(session, tenant_id, clock.now())
    now = clock.real_now()
    own = next((calendar.id for calendar in calendars if calendar.primary and calendar.writable), None)
    known = await queries.find(session, tenant_id, user_id, provider, account)
    connection = await queries.for_change(session, tenant_id, known, own=None) if known else None
    if connection is None:
        connection = CalendarConnection(
            tenant_id=tenant_id,
            id=new_id("cal"),
            user_id=user_id,
            provider=provider,
            account=account,
            write_calendar_id=own,
            titles=False,
            on_move="accept",
            on_delete="revert",
        )
        session.add(connection)
    connection.tokens, connection.state, connection.last_error = sealed, "active", None
    connection.failures, connection.due_at, connection.leased_until = 0, now, None
    connection.listed_at = None
    await queries.mirror_coming(session, tenant_id, connection.id, clock.now())
    await queries.store_sources(session, tenant_id, connection.id, calendars)
    # What happened while nobody followed is not to be guessed.
    await queries.read_anew(session, tenant_id, connection.id)
    await audit.record(
        session,
        tenant_id=tenant_id,
        action="calendar_connection.made",
        actor=audit.SYSTEM,
        target=connection.id,
        details={"user_id": user_id, "provider": provider, "account": account},
    )


async def _keep_titles(session: AsyncSession, connection: CalendarConnection, *, keep: bool) -> None:
    if connection.titles == keep:
        return
    connection.titles = keep
    if keep:
        # They come with the next reading, which must be a whole one.
        await queries.read_anew(session, connection.tenant_id, connection.id)
    else:
        await queries.forget_titles(session, connection.tenant_id, connection.id)


async def _for_change(session: AsyncSession, caller: Caller, connection_id: str) -> CalendarConnection:
    key = canonical("cal", connection_id)
    found = await queries.for_change(session, caller.tenant_id, key, own=own_of(caller)) if key else None
    if found is None:
        raise NotFound
    return found


async def _record(session: AsyncSession, caller: Caller, connection: CalendarConnection, action: str) -> None:
    await audit.record(
        session,
        tenant_id=caller.tenant_id,
        action=action,
        actor=audit.actor_of(caller),
        target=connection.id,
        details={
            "user_id": connection.user_id,
            "provider": connection.provider,
            "account": connection.account,
        },
    )


def _verifier(setup: Setup, nonce: str) -> str:
    # Made from the state's nonce, so that nothing need be stored until the person is back.
    return setup.keyring.hashes(_VERIFIER, nonce)[0].hex()


_BAD_LINK = Text(
    "El enlace de conexión no es válido. Pide uno nuevo.",
    "The connecting link is not valid. Ask for a new one.",
)
_OLD_LINK = Text(
    "El enlace de conexión ha caducado. Pide uno nuevo.",
    "The connecting link has expired. Ask for a new one.",
)
_REFUSED = Text(
    "El proveedor no ha dado acceso a los calendarios. Vuelve a intentarlo y acepta los permisos.",
    "The provider gave no access to the calendars. Try again, and accept the permissions.",
)
_NOT_LASTING = Text(
    "El proveedor no ha dado un acceso duradero. Retira el acceso anterior en tu cuenta y repite.",
    "The provider gave no lasting access. Withdraw the former one in your account and try again.",
)
