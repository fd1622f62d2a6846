"""The firm's catalogue of matters: list, add, change, archive."""

import re

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.cases.errors import DuplicateCategory
from conecta.kit import clock
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import FieldError, NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager

from . import queries
from .schemas import CategoryCreate, CategoryFilters, CategoryUpdate

# What every firm starts with: code, and name in both languages.
FIRST = {
    "civil": Text("Civil", "Civil"),
    "penal": Text("Penal", "Criminal"),
    "laboral": Text("Laboral", "Employment"),
    "mercantil": Text("Mercantil", "Commercial"),
    "fiscal": Text("Fiscal", "Tax"),
    "administrativo": Text("Administrativo", "Administrative"),
    "familia": Text("Familia", "Family"),
    "extranjeria": Text("Extranjería", "Immigration"),
    "otros": Text("Otros", "Other"),
}

_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


async def seed(session: AsyncSession, tenant_id: str) -> None:
    """Give a new firm the categories that every firm starts with."""
    now = clock.now()
    rows = [
        {
            "tenant_id": tenant_id,
            "code": code,
            "name_es": name.es,
            "name_en": name.en,
            "position": position,
            "active": True,
            "created_at": now,
            "updated_at": now,
            "version": 1,
        }
        for position, (code, name) in enumerate(FIRST.items(), start=1)
    ]
    await queries.add_all(session, rows)


async def list_categories(
    reads: Reads, pager: Pager, *, tenant_id: str, filters: CategoryFilters
) -> PageOfRows:
    """Return a page of the catalogue, archived entries too unless told."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_category(reads: Reads, *, tenant_id: str, code: str) -> tuple[str, int]:
    """Return one category as JSON text and version; raise NotFound."""
    found = await queries.one(reads, tenant_id, code) if _CODE.match(code) else None
    if found is None:
        raise NotFound
    return found


async def active_codes(reads: Reads, tenant_id: str) -> list[str]:
    """Return the codes that cases may take."""
    return await queries.active_codes(reads, tenant_id)


async def create_category(
    session: AsyncSession, *, tenant_id: str, wanted: CategoryCreate
) -> tuple[str, int]:
    """Add a category; return its JSON text and version. Raises DuplicateCategory (409)."""
    if not await queries.add(session, tenant_id, wanted.model_dump(), clock.now()):
        raise DuplicateCategory(wanted.code)
    return await read_category(SessionReads(session), tenant_id=tenant_id, code=wanted.code)


async def update_category(
    session: AsyncSession, *, tenant_id: str, code: str, wanted: CategoryUpdate, precondition: Precondition
) -> tuple[str, int]:
    """Change a category; return its JSON text and version.

    Raises NotFound, PreconditionFailed, and ValidationFailed when a needed member is emptied.
    """
    category = await queries.for_change(session, tenant_id, code) if _CODE.match(code) else None
    if category is None:
        raise NotFound
    precondition.check(category.version)
    changes = wanted.model_dump(exclude_unset=True)
    message = Text("No puede ser null.", "It cannot be null.")
    empty = [name for name, value in changes.items() if value is None and name != "name_en"]
    if empty:
        raise ValidationFailed(errors=[FieldError(f"/{name}", "required", str(message)) for name in empty])
    for name, value in changes.items():
        if getattr(category, name) != value:
            setattr(category, name, value)
    return await read_category(SessionReads(session), tenant_id=tenant_id, code=code)
