"""Clients: create, list, read, change, archive and restore."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from conecta.kit import clock
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import Conflict, FieldError, NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.schemas import merge_custom_fields
from conecta.kit.validation import Refused

from . import queries, rules
from .errors import ClientArchived, DuplicateClient
from .models import Client
from .schemas import ClientCreate, ClientFilters, ClientUpdate

__all__ = [
    "ClientCreate",
    "archive_client",
    "create_client",
    "exists_active",
    "id_of_address",
    "id_of_external",
    "list_clients",
    "phone",
    "read_client",
    "restore_client",
    "spanish_tax_id",
    "update_client",
]

_REQUIRED = ("kind", "language", "additional_emails", "additional_phones")


async def list_clients(reads: Reads, pager: Pager, *, tenant_id: str, filters: ClientFilters) -> PageOfRows:
    """Return a page of the firm's clients."""
    search = rules.search_query(filters.q) if filters.q else None
    if filters.q and search is None:
        return PageOfRows([], None, 0 if filters.include else None)
    return await queries.page(reads, pager, tenant_id, filters, search)


async def read_client(reads: Reads, *, tenant_id: str, client_id: str) -> tuple[str, int]:
    """Return one client as JSON text and version; raise NotFound."""
    key = canonical("cli", client_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def create_client(
    session: AsyncSession, *, tenant_id: str, wanted: ClientCreate
) -> tuple[str, tuple[str, int]]:
    """Create a client; return its id, and its JSON text and version.

    Raises ValidationFailed, and DuplicateClient (409) when the tax id or the external id is taken.
    """
    now = clock.now()
    values = {
        "tenant_id": tenant_id,
        "id": new_id("cli"),
        "created_at": now,
        "updated_at": now,
        "version": 1,
        "status": "active",
        **_stored(wanted.model_dump()),
    }
    reads = SessionReads(session)
    if not await queries.add(session, values):
        raise await _duplicate(reads, values)
    found = await queries.one(reads, tenant_id, values["id"])
    assert found is not None
    return values["id"], found


async def update_client(
    session: AsyncSession, *, tenant_id: str, client_id: str, wanted: ClientUpdate, precondition: Precondition
) -> tuple[str, int]:
    """Change a client; return its JSON text and version.

    Raises NotFound, PreconditionFailed, ValidationFailed, ClientArchived and DuplicateClient.
    """
    client = await _for_change(session, tenant_id, client_id, precondition)
    if client.status == "archived":
        raise ClientArchived(id=client.id)
    changes = {name: value for name, value in wanted.model_dump().items() if name in wanted.model_fields_set}
    _refuse_emptying(changes)
    fields = merge_custom_fields(client.custom_fields, changes.pop("custom_fields", {}))
    current = {name: getattr(client, name) for name in _ClientColumns.model_fields}
    if "tax_id" in changes:
        current |= {"tax_id_type": None, "tax_id_country": None}
    values = _stored({**current, **changes, **rules.renamed(current, changes), "custom_fields": fields})
    await _refuse_taken(SessionReads(session), {"tenant_id": tenant_id, "id": client.id, **values})
    return await _save(session, client, values)


async def archive_client(
    session: AsyncSession, *, tenant_id: str, client_id: str, precondition: Precondition
) -> tuple[str, int]:
    """Hide a client from lists; its cases stay. Archiving twice changes nothing. Raises NotFound."""
    client = await _for_change(session, tenant_id, client_id, precondition)
    archived_at = client.archived_at or clock.now()
    return await _save(session, client, {"status": "archived", "archived_at": archived_at})


async def restore_client(
    session: AsyncSession, *, tenant_id: str, client_id: str, precondition: Precondition
) -> tuple[str, int]:
    """Bring an archived client back. Restoring twice changes nothing. Raises NotFound."""
    client = await _for_change(session, tenant_id, client_id, precondition)
    return await _save(session, client, {"status": "active", "archived_at": None})


async def exists_active(reads: Reads, *, tenant_id: str, client_id: str) -> bool:
    """Say whether a case or a booking may be opened for this client."""
    return await queries.is_active(reads, tenant_id, client_id)


async def id_of_external(session: AsyncSession, *, tenant_id: str, external_id: str) -> str | None:
    """Return the id of the client that the firm's own system calls so."""
    return await queries.id_of_external(session, tenant_id, external_id)


async def id_of_address(reads: Reads, *, tenant_id: str, email: str) -> str | None:
    """Return the first active client with this main address, whatever its case; None when nobody has it."""
    return await queries.id_of_address(reads, tenant_id, email)


async def names(reads: Reads, *, tenant_id: str, client_ids: Sequence[str]) -> dict[str, str]:
    """Return the names of clients by their ids, archived ones too; what the firm has not is left out."""
    return await queries.names(reads, tenant_id, client_ids) if client_ids else {}


def phone(value: str) -> str:
    """Return a phone number as E.164; raise Refused when no such number can exist."""
    return rules.phone(value)


def spanish_tax_id(value: str) -> str:
    """Return a NIF, NIE or CIF in its stored form; raise Refused when it is none."""
    return rules.tax_id(value, None, None).value


class _ClientColumns(BaseModel):
    """The members of a client that creating and changing both compute from."""

    kind: str
    name: str | None
    first_name: str | None
    last_name: str | None
    tax_id: str | None
    tax_id_type: str | None
    tax_id_country: str | None
    email: str | None
    phone: str | None
    additional_emails: list[str] | None
    additional_phones: list[str] | None
    address: dict[str, Any] | None
    language: str
    external_id: str | None
    archived_at: datetime | None = None


def _stored(fields: dict[str, Any]) -> dict[str, Any]:
    """Compute the columns that follow from others: the display name, the tax id's form, the search words."""
    emails = fields["additional_emails"] or []
    phones = fields["additional_phones"] or []
    name = rules.display_name(fields["kind"], fields["first_name"], fields["last_name"], fields["name"])
    if not name:
        message = Text("El cliente tiene que conservar un nombre.", "The client must keep a name.")
        raise ValidationFailed.at("/name", "required", message)
    tax = _tax_id(fields)
    all_emails = [address for address in (fields["email"], *emails) if address]
    all_phones = [number for number in (fields["phone"], *phones) if number]
    return fields | {
        "name": name,
        "additional_emails": emails,
        "additional_phones": phones,
        "tax_id": tax.value if tax else None,
        "tax_id_type": tax.type if tax else None,
        "tax_id_country": tax.country if tax else None,
        "search_words": rules.search_words(name, tax.value if tax else None, all_emails, all_phones),
    }


def _tax_id(fields: dict[str, Any]) -> rules.TaxId | None:
    if fields["tax_id"] is None:
        return None
    try:
        return rules.tax_id(fields["tax_id"], fields["tax_id_type"], fields["tax_id_country"])
    except Refused as refusal:
        where = "/tax_id_country" if refusal.code == "country_required" else "/tax_id"
        raise ValidationFailed(errors=[FieldError(where, refusal.code, str(refusal.text))]) from None


def _refuse_emptying(changes: dict[str, Any]) -> None:
    message = Text("No puede ser null.", "It cannot be null.")
    empty = [name for name in _REQUIRED if name in changes and changes[name] is None]
    if empty:
        raise ValidationFailed(errors=[FieldError(f"/{name}", "required", str(message)) for name in empty])


async def _refuse_taken(reads: Reads, values: dict[str, Any]) -> None:
    if await queries.holder(reads, values):
        raise await _duplicate(reads, values)


async def _duplicate(reads: Reads, values: dict[str, Any]) -> DuplicateClient | Conflict:
    taken = await queries.holder(reads, values)
    if taken is None:  # whoever held it is gone again: the caller may simply retry
        return Conflict()
    existing_id, by_external_id = taken
    return DuplicateClient("external_id" if by_external_id else "tax_id", existing_id)


async def _for_change(
    session: AsyncSession, tenant_id: str, client_id: str, precondition: Precondition
) -> Client:
    key = canonical("cli", client_id)
    client = await queries.for_change(session, tenant_id, key) if key else None
    if client is None:
        raise NotFound
    precondition.check(client.version)
    return client


async def _save(session: AsyncSession, client: Client, values: dict[str, Any]) -> tuple[str, int]:
    for name, value in values.items():
        if _differs(getattr(client, name), value):
            setattr(client, name, value)
            flag_modified(client, name)
    found = await queries.one(SessionReads(session), client.tenant_id, client.id)
    assert found is not None
    return found


def _differs(one: Any, other: Any) -> bool:
    # To Python (and so to the ORM) 1 == True == 1.0; to whoever reads the JSON they are three values.
    if isinstance(other, dict):
        return json.dumps(one, sort_keys=True) != json.dumps(other, sort_keys=True)
    return bool(one != other)
