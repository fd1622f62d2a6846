"""All SQL of cases."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from conecta.events import service as events
from conecta.kit.db import Reads, SessionReads, Writes
from conecta.kit.ids import new_id
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time
from conecta.users.models import ASSIGNABLE_ROLES

from . import rules
from .activities.queries import Author
from .models import Case
from .schemas import CaseFilters

_MEMBERS = f"""c.client_id, c.category, c.title, c.description, c.assigned_provider_id,
  c.status, c.status_reason, c.priority, c.tags, c.parties, c.external_id, c.custom_fields,
  {wire_time("c.created_at")} as created_at, {wire_time("c.updated_at")} as updated_at,
  {wire_time("c.closed_at")} as closed_at"""

VIEW = JsonView(
    source="cases c",
    alias="c",
    fields=f"c.id, c.number, {_MEMBERS}",
    sorts={
        "created_at": ("c.created_at", "timestamptz"),
        "updated_at": ("c.updated_at", "timestamptz"),
        "number": ("c.number_key", "bigint"),
    },
)

# What the firm notes for its own use is none of its client's business: theirs is the same shape without it.
_FIRMS_OWN = {
    "c.tags,": "'{}'::text[] as tags,",
    "c.parties,": "'[]'::jsonb as parties,",
    "c.external_id,": "null as external_id,",
    "c.custom_fields,": "'{}'::jsonb as custom_fields,",
}
CLIENT_VIEW = replace(
    VIEW, fields=reduce(lambda fields, own: fields.replace(*own), _FIRMS_OWN.items(), VIEW.fields)
)

_FEW = 1000


@dataclass(frozen=True)
class _Filter:
    """One filter of the list: as a condition on a case `c`, and as the ids an index finds.

    `ordered_by`: the sorts in whose order its index gives the cases, or which it is a range of.
    """

    condition: str
    ids: str
    ordered_by: tuple[str, ...] = ()


def _equal(name: str, column: str) -> _Filter:
    return _of_column(f"c.{column} = %({name})s", by="created_at", ordered_by=("created_at",))


def _of_column(condition: str, *, by: str, ordered_by: tuple[str, ...] = ()) -> _Filter:
    # The order names the index: without it a limit makes reading the whole table look cheap.
    ids = f"select c.id from cases c where c.tenant_id = %(tenant)s and {condition} order by c.{by}"
    return _Filter(condition, ids, ordered_by)


def _of_side_table(table: str, condition: str) -> _Filter:
    # The inner limit keeps the look at one case from becoming a look at all of them.
    return _Filter(
        f"(select true from {table} s where s.tenant_id = c.tenant_id and {condition} and s.case_id = c.id"
        " limit 1)",
        f"select s.case_id from {table} s where s.tenant_id = %(tenant)s and {condition}",
    )


_FILTERS = {
    "status": _equal("status", "status"),
    "statuses": _of_column("c.status = any(%(statuses)s::text[])", by="status"),
    "category": _equal("category", "category"),
    "client_id": _equal("client_id", "client_id"),
    "assigned_provider_id": _equal("assigned_provider_id", "assigned_provider_id"),
    "priority": _equal("priority", "priority"),
    "external_id": _of_column(
        "c.external_id = %(external_id)s", by="external_id", ordered_by=tuple(VIEW.sorts)
    ),
    "created_after": _of_column(
        "c.created_at >= %(created_after)s", by="created_at", ordered_by=("created_at",)
    ),
    "created_before": _of_column(
        "c.created_at < %(created_before)s", by="created_at", ordered_by=("created_at",)
    ),
    "updated_after": _of_column(
        "c.updated_at >= %(updated_after)s", by="updated_at", ordered_by=("updated_at",)
    ),
    "tag": _of_side_table("case_tags", "s.tag = %(tag)s"),
    "custom_field": _of_side_table("case_custom_fields", "s.key = %(key)s and s.value = %(value)s"),
    "q": _Filter(
        "(c.search @@ (select case_search_query(%(words)s, %(head)s, %(last)s::text))"
        " or c.number = any(array[%(q)s, upper(%(q)s)]) or c.external_id ^@ %(q)s)",
        "select matching_cases(%(q)s, %(words)s, %(head)s, %(last)s::text)",
    ),
}

# Everything a write refers to, in one round trip; a null is not looked for.
_REFERENCES = f"""
select t.case_number_format as number_format,
  (select c.status from clients c where c.tenant_id = %(tenant)s and c.id = %(client_id)s::text)
    as client_status,
  %(assigned_provider_id)s::text is null or exists (select from users u where u.tenant_id = %(tenant)s
    and u.id = %(assigned_provider_id)s::text and u.active and u.role in {ASSIGNABLE_ROLES})
    as provider_assignable,
  exists (select from case_categories g
    where g.tenant_id = %(tenant)s and g.code = %(category)s::text and g.active) as category_active,
  array(select p.id from unnest(%(party_clients)s::text[]) as p (id) where not exists (
    select from clients c where c.tenant_id = %(tenant)s and c.id = p.id)) as unknown_party_clients,
  (select k.id from cases k where k.tenant_id = %(tenant)s and k.external_id = %(external_id)s::text
    and k.id <> %(id)s::text) as external_id_holder
from tenants t where t.id = %(tenant)s
"""

_EVENT_DATA = f"select row_to_json(j) from (select c.id as case_id, c.number as case_number, {_MEMBERS}) j"

# One statement looks up what the case refers to and, when all of it is right, takes the number, writes
# and announces: the counter stays locked only until the transaction ends, and goes back with it.
_CREATE = f"""
with found as ({_REFERENCES}), counter as (
  insert into case_counters as k (tenant_id, year, last_number)
  select %(tenant)s, %(year)s, 1 from found f
  where f.client_status = 'active' and f.provider_assignable and f.category_active
    and f.unknown_party_clients = '{{}}' and f.external_id_holder is null
  on conflict (tenant_id, year) do update set last_number = k.last_number + 1
  returning k.last_number as n
), made as (
  insert into cases (tenant_id, id, number, number_key, client_id, category, title, description,
    assigned_provider_id, status, priority, tags, parties, external_id, custom_fields,
    created_at, updated_at, version)
  select %(tenant)s, %(id)s, case_number(f.number_format, %(year)s, n), %(year)s::bigint * 1000000000 + n,
    %(client_id)s, %(category)s, %(title)s, %(description)s, %(assigned_provider_id)s, 'open', %(priority)s,
    %(tags)s::text[], %(parties)s::jsonb, %(external_id)s, %(custom_fields)s::jsonb, %(now)s::timestamptz,
    %(now)s::timestamptz, 1
  from found f cross join counter
  on conflict do nothing
  returning *
), told as (
  insert into case_activities (tenant_id, id, case_id, type, description, author_type, author_id,
    author_name, data, created_at)
  select m.tenant_id, %(activity)s, m.id, 'created', 'Expediente creado', %(author_type)s, %(author_id)s,
    %(author_name)s, '{{"changes": {{}}, "note_id": null}}', m.created_at
  from made m
), announced as (
  select {events.emit_in("c.id", _EVENT_DATA)} from made c
)
select f.*, (select row_to_json(j)::text from (select {VIEW.fields}) j), c.version
from found f left join made c on true left join announced on true
"""

_VISIBLE = """
select from cases c where c.tenant_id = %(tenant)s and c.id = %(id)s
  and (%(own)s::text is null or c.client_id = %(own)s::text)
"""
_STATE = """
select c.number, c.status from cases c where c.tenant_id = %(tenant)s and c.id = %(id)s for share
"""


@dataclass(frozen=True)
class References:
    """What the ids of a write turned out to be."""

    number_format: str
    client_status: str | None
    provider_assignable: bool
    category_active: bool
    unknown_party_clients: list[str]
    external_id_holder: str | None


async def page(
    reads: Reads, pager: Pager, tenant_id: str, filters: CaseFilters, *, own: str | None
) -> PageOfRows:
    """Return a page of the firm's cases; only those of the client `own` when given.

    A filter whose index has the order of the list is part of its one statement. Of the others a statement
    before asks which cases they let through: when they are few, the list looks at those only, and when
    they are many, the list soon finds enough of them in its own order. No plan has to guess which it is.
    """
    where = Where("c.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("c.client_id = %(own)s", own=own)
    values = _values(filters)
    where.params.update(values)
    sorted_by = filters.sort.removeprefix("-")
    apart: list[_Filter] = []
    for name, narrowing in _FILTERS.items():
        if name not in values:
            continue
        if sorted_by in narrowing.ordered_by:
            where.conditions.append(narrowing.condition)
        else:
            apart.append(narrowing)
    if apart:
        few = await _few(reads, apart, where)
        if few is not None and not few:
            return PageOfRows([], None, 0 if filters.include else None)
    return await pager.fetch(reads, _view(own), where, filters, sort=filters.sort)


async def _few(reads: Reads, apart: list[_Filter], where: Where) -> set[str] | None:
    """Add filters to a list; return the few cases that it may have, None when there are many."""
    arrays = ", ".join(f"array({narrowing.ids} limit {_FEW + 1})" for narrowing in apart)
    (found,) = await reads.rows(f"select {arrays}", where.params)
    few: set[str] | None = None
    for narrowing, ids in zip(apart, found, strict=True):
        if len(ids) > _FEW:
            # The planner takes a case for true of every other row: that keeps it walking in order.
            where.conditions.append(f"case when {narrowing.condition} then true else false end")
        else:
            few = set(ids) if few is None else few & set(ids)
    if few is not None:
        where.add("c.id = any(%(few)s::text[])", few=sorted(few))
    return few


def _values(filters: CaseFilters) -> dict[str, Any]:
    """Return the values of the filters that are set, by name, and what follows from them."""
    values = filters.model_dump(include=set(_FILTERS), exclude_none=True)
    if filters.status is not None and "," in filters.status:
        values["statuses"] = values.pop("status").split(",")
    if filters.q is not None:
        search = rules.search(filters.q)
        values |= {"q": search.text, "words": search.words, "head": search.head, "last": search.last_word}
    if filters.custom_field is not None:
        values["key"], _, values["value"] = filters.custom_field.partition(":")
    return values


async def one(
    reads: Reads, tenant_id: str, case_id: str, *, own: str | None = None
) -> tuple[str, int] | None:
    """Return a case as JSON text and version; only of the client `own` when given."""
    where = Where("c.tenant_id = %(tenant)s and c.id = %(id)s", tenant=tenant_id, id=case_id)
    where.add("c.client_id = %(own)s", own=own)
    rows = await reads.rows(_view(own).one(str(where)), where.params)
    return (rows[0][0], rows[0][1]) if rows else None


def _view(own: str | None) -> JsonView:
    return VIEW if own is None else CLIENT_VIEW


async def is_visible(reads: Reads, tenant_id: str, case_id: str, *, own: str | None) -> bool:
    """Say whether the firm has this case and, when a client is calling, it is theirs."""
    return bool(await reads.rows(_VISIBLE, {"tenant": tenant_id, "id": case_id, "own": own}))


async def references(reads: Reads, tenant_id: str, case_id: str, values: Mapping[str, Any]) -> References:
    """Look up what some members of a case refer to, beside which `case_id` may have the external id."""
    (row,) = await reads.rows(_REFERENCES, _referring(tenant_id, case_id, values))
    return References(*row)


async def add(
    writes: Writes,
    tenant_id: str,
    case_id: str,
    values: Mapping[str, Any],
    *,
    author: Author,
    year: int,
    now: datetime,
    event: Mapping[str, Any],
) -> tuple[References, tuple[str, int] | None]:
    """Number and insert a case with its first activity and its event; return it as JSON text and version.

    It is None, and no number is taken, when it refers to something wrong; it is also None, and the
    transaction must not be committed, when its external id or its number was taken meanwhile.
    """
    params = {
        **values,
        **_referring(tenant_id, case_id, values),
        "parties": json.dumps(values["parties"]),
        "custom_fields": json.dumps(values["custom_fields"]),
        "year": year,
        "now": now,
        "activity": new_id("act"),
        "author_type": author.type,
        "author_id": author.id,
        "author_name": author.name,
        **event,
    }
    ((*found, text, version),) = await writes.rows(_CREATE, params)
    return References(*found), (text, version) if version else None


def _referring(tenant_id: str, case_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    parties = values.get("parties") or ()
    members = ("client_id", "assigned_provider_id", "category", "external_id")
    return {
        "tenant": tenant_id,
        "id": case_id,
        **{name: values.get(name) for name in members},
        "party_clients": [party["client_id"] for party in parties if party["client_id"]],
    }


async def for_change(session: AsyncSession, tenant_id: str, case_id: str) -> Case | None:
    """Return a case, locked until the transaction ends."""
    wanted = select(Case).where(Case.tenant_id == tenant_id, Case.id == case_id)
    return await session.scalar(wanted.with_for_update())


def set_members(case: Case, values: Mapping[str, Any]) -> None:
    """Give a case new values, which its transaction will write."""
    for name, value in values.items():
        setattr(case, name, value)
        # Python takes True for 1: without this such a change inside a custom field would not be written.
        flag_modified(case, name)


async def state_of(session: AsyncSession, tenant_id: str, case_id: str) -> tuple[str, str] | None:
    """Return a case's number and status, which nobody changes until the transaction ends."""
    rows = await SessionReads(session).rows(_STATE, {"tenant": tenant_id, "id": case_id})
    return (rows[0][0], rows[0][1]) if rows else None
