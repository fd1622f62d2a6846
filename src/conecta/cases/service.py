"""Cases: open, list, read, change, close, reopen; every write leaves its activity and its event."""

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.auth.caller import Caller
from conecta.events import service as events
from conecta.events.types import EventType
from conecta.kit import clock
from conecta.kit.db import Reads, SessionReads, Writes
from conecta.kit.errors import FieldError, NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.schemas import merge_custom_fields
from conecta.kit.validation import Refused

from . import queries, rules
from .activities import queries as activities
from .activities.queries import Author
from .categories import service as categories
from .errors import CaseArchived, CaseClosed, CaseNumberUnavailable, DuplicateCase, InvalidTransition
from .events import CLOSED, CREATED, UPDATED
from .models import Case
from .schemas import CaseCreate, CaseFilters, CaseUpdate, PartyUpdate, StatusChange

__all__ = [
    "CaseCreate",
    "author_of",
    "check_number_format",
    "close_case",
    "create_case",
    "list_cases",
    "read_case",
    "reopen_case",
    "seed_categories",
    "update_case",
    "visible_case",
]

_REQUIRED = ("client_id", "category", "title", "status", "priority", "tags", "parties", "custom_fields")
_STATE_MEMBERS = ("status", "status_reason", "closed_at")


async def seed_categories(session: AsyncSession, tenant_id: str) -> None:
    """Give a new firm its first catalogue of matters; needs a system session."""
    await categories.seed(session, tenant_id)


def check_number_format(number_format: str) -> None:
    """Raise Refused unless a firm can number its cases like this, such as `EXP-{year}-{number:04}`."""
    rules.check_number_format(number_format)


async def list_cases(reads: Reads, pager: Pager, *, caller: Caller, filters: CaseFilters) -> PageOfRows:
    """Return a page of the firm's cases; a client gets their own."""
    return await queries.page(reads, pager, caller.tenant_id, filters, own=_own(caller))


async def read_case(reads: Reads, *, caller: Caller, case_id: str) -> tuple[str, int]:
    """Return one case as JSON text and version; raise NotFound."""
    key = canonical("cas", case_id)
    found = await queries.one(reads, caller.tenant_id, key, own=_own(caller)) if key else None
    if found is None:
        raise NotFound
    return found


async def create_case(writes: Writes, *, caller: Caller, wanted: CaseCreate) -> tuple[str, tuple[str, int]]:
    """Open a case and announce it; return its id, and its JSON text and version.

    Raises ValidationFailed for a client, member or category the firm cannot use, DuplicateCase (409)
    when the external id is taken, and CaseNumberUnavailable (409) when the firm's format gives no new number.
    """
    now, case_id = clock.now(), new_id("cas")
    values: dict[str, Any] = wanted.model_dump()
    values["parties"] = rules.parties_with_ids(values["parties"], [], lambda: new_id("pty"))
    year = rules.year_of(now, caller.time_zone)
    found, made = await queries.add(
        writes,
        caller.tenant_id,
        case_id,
        values,
        author=author_of(caller),
        year=year,
        now=now,
        event=events.opening(CREATED, tenant_id=caller.tenant_id),
    )
    await _refuse_wrong_references(writes, caller, found, values)
    if made is None:
        raise await _taken(writes, caller, case_id, values, found.number_format)
    _refuse_number_format(found.number_format)
    return case_id, made


async def update_case(
    session: AsyncSession, *, caller: Caller, case_id: str, wanted: CaseUpdate, precondition: Precondition
) -> tuple[str, int]:
    """Change a case; return its JSON text and version. What is equal already is no change.

    Raises NotFound, PreconditionFailed, ValidationFailed, DuplicateCase, InvalidTransition, and CaseClosed
    or CaseArchived for changes to anything but the state of a finished case.
    """
    case = await _for_change(session, caller, case_id, precondition)
    members = _members(wanted.model_dump(exclude_unset=True), case)
    return await _save(session, caller, case, members)


async def close_case(
    session: AsyncSession, *, caller: Caller, case_id: str, wanted: StatusChange, precondition: Precondition
) -> tuple[str, int]:
    """Close a case that is open or on hold. Raises NotFound, PreconditionFailed, CaseClosed, CaseArchived."""
    case = await _for_change(session, caller, case_id, precondition)
    _refuse_finished(case)
    return await _save(session, caller, case, {"status": "closed", "status_reason": wanted.reason})


async def reopen_case(
    session: AsyncSession, *, caller: Caller, case_id: str, wanted: StatusChange, precondition: Precondition
) -> tuple[str, int]:
    """Open a case again that is closed or on hold. Raises NotFound, PreconditionFailed, InvalidTransition."""
    case = await _for_change(session, caller, case_id, precondition)
    if case.status == "open":
        raise _refusal(InvalidTransition, case)
    return await _save(session, caller, case, {"status": "open", "status_reason": wanted.reason})


async def visible_case(reads: Reads, caller: Caller, case_id: str) -> str:
    """Return the stored id of a case that the caller may see; raise NotFound."""
    key = canonical("cas", case_id)
    if key is None or not await queries.is_visible(reads, caller.tenant_id, key, own=_own(caller)):
        raise NotFound
    return key


def author_of(caller: Caller) -> Author:
    """Say who the timeline names: the member, the client, or the firm's own key."""
    ids = {"user": caller.user_id, "client": caller.client_id, "firm": caller.credential_id}
    return Author(caller.kind, ids[caller.kind], caller.name)


def _own(caller: Caller) -> str | None:
    """Return the client whose cases alone a caller may see; None for the firm's people.

    A client's token without a client would be a fault of ours: it then matches no case at all.
    """
    return (caller.client_id or "-") if caller.kind == "client" else None


def _refuse_number_format(number_format: str) -> None:
    # The settings let no other in, but the tenants' table may have been written by hand.
    try:
        rules.check_number_format(number_format)
    except Refused:
        raise CaseNumberUnavailable(number_format=number_format) from None


async def _taken(
    reads: Reads, caller: Caller, case_id: str, values: dict[str, Any], number_format: str
) -> DuplicateCase | CaseNumberUnavailable:
    """Say what kept a new case out while another was being written: its external id, else its number."""
    found = await queries.references(reads, caller.tenant_id, case_id, values)
    if found.external_id_holder:
        return DuplicateCase(found.external_id_holder)
    return CaseNumberUnavailable(number_format=number_format)


async def _refuse_wrong_references(
    reads: Reads, caller: Caller, found: queries.References, values: dict[str, Any]
) -> None:
    """Raise ValidationFailed with every wrong id among `values`, or DuplicateCase."""
    errors = _reference_errors(found, values)
    if values.get("category") is not None and not found.category_active:
        codes = ", ".join(await categories.active_codes(reads, caller.tenant_id))
        errors.append(FieldError("/category", "not_allowed", str(_CATEGORIES.fill(codes=codes))))
    if errors:
        raise ValidationFailed(errors=errors)
    if found.external_id_holder is not None:
        raise DuplicateCase(found.external_id_holder)


def _reference_errors(found: queries.References, values: dict[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    if values.get("client_id") is not None and found.client_status is None:
        errors.append(FieldError("/client_id", "unknown_client", str(_UNKNOWN_CLIENT)))
    elif values.get("client_id") is not None and found.client_status != "active":
        errors.append(FieldError("/client_id", "client_archived", str(_ARCHIVED_CLIENT)))
    if not found.provider_assignable:
        errors.append(FieldError("/assigned_provider_id", "not_assignable", str(_NOT_ASSIGNABLE)))
    for index, party in enumerate(values.get("parties") or []):
        if party["client_id"] in found.unknown_party_clients:
            where = f"/parties/{index}/client_id"
            errors.append(FieldError(where, "unknown_client", str(_UNKNOWN_CLIENT)))
    return errors


async def _for_change(
    session: AsyncSession, caller: Caller, case_id: str, precondition: Precondition
) -> Case:
    key = canonical("cas", case_id)
    case = await queries.for_change(session, caller.tenant_id, key) if key else None
    if case is None:
        raise NotFound
    precondition.check(case.version)
    return case


def _members(changes: dict[str, Any], case: Case) -> dict[str, Any]:
    """Return the new values of the members that a PATCH names."""
    empty = [name for name in _REQUIRED if name in changes and changes[name] is None]
    if empty:
        raise ValidationFailed(errors=[FieldError(f"/{name}", "required", str(_NOT_NULL)) for name in empty])
    if "custom_fields" in changes:
        changes["custom_fields"] = merge_custom_fields(case.custom_fields, changes["custom_fields"])
    if "parties" in changes:
        try:
            changes["parties"] = rules.parties_with_ids(
                [_party(party) for party in changes["parties"]], case.parties, lambda: new_id("pty")
            )
        except rules.UnknownParty as refusal:
            where = f"/parties/{refusal.index}/id"
            raise ValidationFailed.at(where, "unknown_party", _UNKNOWN_PARTY) from None
    return changes


def _party(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given.get(name) for name in PartyUpdate.model_fields}


def _refuse_finished(case: Case) -> None:
    if case.status == "closed":
        raise _refusal(CaseClosed, case)
    if case.status == "archived":
        raise _refusal(CaseArchived, case)


def _refusal(kind: type[CaseClosed | CaseArchived | InvalidTransition], case: Case) -> Exception:
    return kind(
        number=case.number, case_id=case.id, status=case.status, allowed=rules.allowed_from(case.status)
    )


async def _save(session: AsyncSession, caller: Caller, case: Case, wanted: dict[str, Any]) -> tuple[str, int]:
    """Make a case what is wanted; return its JSON text and version. What is equal already is no change."""
    if wanted.get("status", case.status) != case.status:
        wanted.setdefault("status_reason", None)
    changes = rules.changed({name: getattr(case, name) for name in wanted}, wanted)
    if changes:
        transition = _transition(case, changes)
        new = {name: change["after"] for name, change in changes.items()}
        reads = SessionReads(session)
        found = await queries.references(reads, caller.tenant_id, case.id, new)
        await _refuse_wrong_references(reads, caller, found, new)
        await _write(session, caller, case, changes, transition)
    saved = await queries.one(SessionReads(session), caller.tenant_id, case.id)
    assert saved is not None
    if changes:
        await _announce(
            session, caller, saved[0], list(changes), closes=bool(transition and transition.closes)
        )
    return saved


def _transition(case: Case, changes: dict[str, Any]) -> rules.Transition | None:
    """Return the change of state among the changes, if any, and refuse what the state does not allow."""
    if "status" not in changes or changes.keys() - set(_STATE_MEMBERS):
        _refuse_finished(case)
    if "status" not in changes:
        return None
    transition = rules.TRANSITIONS.get((case.status, changes["status"]["after"]))
    if transition is None:
        raise _refusal(InvalidTransition, case)
    return transition


async def _write(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    changes: dict[str, dict[str, Any]],
    transition: rules.Transition | None,
) -> None:
    """Set the members and write the timeline; `changes` gains the closing date when it moves."""
    case.updated_at = now = clock.now()
    queries.set_members(case, {name: change["after"] for name, change in changes.items()})
    if (case.status in rules.FINISHED) != (case.closed_at is not None):
        before, case.closed_at = case.closed_at, now if case.closed_at is None else None
        changes["closed_at"] = {
            name: clock.wire(moment) if moment else None
            for name, moment in (("before", before), ("after", case.closed_at))
        }
    await session.flush()
    await activities.add(
        session,
        rules.activities(changes, transition, lambda: new_id("act")),
        tenant_id=caller.tenant_id,
        case_id=case.id,
        author=author_of(caller),
        now=now,
    )


async def _announce(
    session: AsyncSession, caller: Caller, case: str, changed: list[str], *, closes: bool
) -> None:
    """Emit `case.closed` when the case was closed, and `case.updated` for whatever else changed."""
    rest = [name for name in changed if name not in _STATE_MEMBERS] if closes else changed
    if rest:
        await _emit(session, UPDATED, caller, case, changed=rest)
    if closes:
        await _emit(session, CLOSED, caller, case)


async def _emit(session: AsyncSession, event: EventType, caller: Caller, case: str, **more: Any) -> None:
    body = json.loads(case)
    case_id = body.pop("id")
    data = {"case_id": case_id, "case_number": body.pop("number"), **body, **more}
    await events.emit(session, event, tenant_id=caller.tenant_id, resource_id=case_id, data=data)


_NOT_NULL = Text("No puede ser null.", "It cannot be null.")
_UNKNOWN_CLIENT = Text(
    "No hay ningún cliente con ese identificador en esta firma.",
    "There is no client with that id in this firm.",
)
_ARCHIVED_CLIENT = Text(
    "El cliente está archivado; restáuralo con POST /clients/{id}/restore.",
    "The client is archived; restore it with POST /clients/{id}/restore.",
)
_NOT_ASSIGNABLE = Text(
    "Tiene que ser un miembro activo de la firma: owner, admin o provider.",
    "It must be an active member of the firm: owner, admin or provider.",
)
_CATEGORIES = Text("Categorías admitidas: {codes}.", "Accepted categories: {codes}.")
_UNKNOWN_PARTY = Text("Este expediente no tiene esa parte.", "This case has no such party.")
