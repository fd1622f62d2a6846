"""Lists: keyset pages with a signed cursor, declared sorts, named filters, and rows that Postgres made JSON.

A list is one statement that returns one compact JSON text per row; the texts are joined and shipped.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Depends, Request
from psycopg.rows import TupleRow
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from .crypto import KeyRing
from .db import Reads
from .errors import FieldError, InvalidParameter
from .language import Text
from .preparing_connection import Params

DEFAULT_LIMIT, MAX_LIMIT = 25, 100
_PURPOSE = "cursors"


class PageParams(BaseModel):
    """The query parameters of every list; a list adds its own filters and its own `sort`."""

    model_config = ConfigDict(use_attribute_docstrings=True, populate_by_name=True)

    limit: Annotated[int | None, Field(ge=1, le=MAX_LIMIT)] = None
    """Items per page: 25 unless told, 100 at most."""
    per_page: Annotated[int | None, Field(ge=1, le=MAX_LIMIT)] = None
    """The same as `limit`."""
    cursor: Annotated[str | None, Field(max_length=1000)] = None
    """The `next_cursor` of the page before."""
    include: Literal["total"] | None = None
    """`total` counts all matching items."""

    @property
    def size(self) -> int:
        """How many items the page may have."""
        return self.limit or self.per_page or DEFAULT_LIMIT


@dataclass(frozen=True)
class JsonView:
    """How a table is read: the members of its JSON, its source and the sorts it offers.

    `fields` is the select list whose names are the wire's; `sorts` maps a public sort name to a
    (never null) column and its SQL type; every sort has an index that starts with tenant_id. A row that
    is stored as JSON already has no `fields` but `stored`, the column with its text.
    """

    source: str
    alias: str
    fields: str = ""
    sorts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    stored: str | None = None

    def one(self, where: str) -> str:
        """Return the statement for single rows: the JSON text and the version."""
        return f"select {self._json}, {self.alias}.version from {self.source} where {where}"

    def page(self, where: str, order_by: str, key: str, limit: int) -> str:
        """Return the statement for a page: id, sort key and JSON text of each row.

        The limit is written out: a planner that does not know it may sort the whole table.
        """
        return (
            f"select {self.alias}.id, {key}::text, {self._json} from {self.source}"
            f" where {where} order by {order_by} limit {limit:d}"
        )

    def count(self, where: str) -> str:
        """Return the statement that counts what matches."""
        return f"select count(*) from {self.source} where {where}"

    @property
    def _json(self) -> str:
        return self.stored or f"(select row_to_json(j)::text from (select {self.fields}) j)"


class Where:
    """The conditions of a list; those whose values are None drop out."""

    def __init__(self, condition: str, **values: Any) -> None:
        self.conditions, self.params = [condition], dict(values)

    def add(self, condition: str, **values: Any) -> "Where":
        """Add a condition unless one of its values is None."""
        if all(value is not None for value in values.values()):
            self.conditions.append(condition)
            self.params.update(values)
        return self

    def __str__(self) -> str:
        return " and ".join(self.conditions)


@dataclass(frozen=True)
class PageOfRows:
    """What a list query found."""

    rows: Sequence[str]
    next_cursor: str | None
    total: int | None


class Pager:
    """Reads and signs the cursors of one request, and writes its page."""

    def __init__(self, request: Request, keyring: KeyRing, tenant_id: str) -> None:
        self._request, self._keyring, self._tenant_id = request, keyring, tenant_id

    async def fetch(
        self, reads: Reads, view: JsonView, where: Where, params: PageParams, *, sort: str
    ) -> PageOfRows:
        """Run a list: one statement, and one more when the total is asked for."""
        name = sort.removeprefix("-")
        column, sql_type = view.sorts[name]
        direction, comparison = ("desc", "<") if sort.startswith("-") else ("asc", ">")
        total = await _total(reads, view, where) if params.include == "total" else None
        if params.cursor is not None:
            key, last_id = self._open(params.cursor, sort)
            where.add(
                f"({column}, {view.alias}.id) {comparison} (%(_key)s::{sql_type}, %(_id)s)",
                _key=key,
                _id=last_id,
            )
        order_by = f"{column} {direction}, {view.alias}.id {direction}"
        statement = view.page(str(where), order_by, column, params.size + 1)
        rows = await reads.rows(statement, where.params)
        return self._page(rows, params.size, sort, total)

    def respond(self, page: PageOfRows) -> Response:
        """Write the page: the rows' JSON texts joined, and a `Link` to the next one (RFC 8288)."""
        more, cursor = json.dumps(page.next_cursor is not None), json.dumps(page.next_cursor)
        total = "" if page.total is None else f',"total":{page.total}'
        body = f'{{"data":[{",".join(page.rows)}],"has_more":{more},"next_cursor":{cursor}{total}}}'
        headers = {"Cache-Control": "private, no-cache"}
        if page.next_cursor:
            headers["Link"] = f'<{self._url(page.next_cursor)}>; rel="next"'
        return Response(body.encode(), headers=headers, media_type="application/json")

    def _page(self, rows: Sequence[TupleRow], size: int, sort: str, total: int | None) -> PageOfRows:
        shown = rows[:size]
        cursor = None
        if len(rows) > size:
            last_id, key, _ = shown[-1]
            cursor = self._seal(sort, key, last_id)
        return PageOfRows([row[2] for row in shown], cursor, total)

    def _seal(self, sort: str, key: str, last_id: str) -> str:
        payload = json.dumps([self._tenant_id, self._filters(), sort, key, last_id], separators=(",", ":"))
        return self._keyring.sign(_PURPOSE, payload.encode())

    def _open(self, cursor: str, sort: str) -> tuple[str, str]:
        payload = self._keyring.verify(_PURPOSE, cursor)
        if payload is None:
            raise _bad_cursor(Text("El cursor no es de esta API.", "The cursor is not one of this API."))
        tenant_id, filters, sealed_sort, key, last_id = json.loads(payload)
        if [tenant_id, filters, sealed_sort] != [self._tenant_id, self._filters(), sort]:
            raise _bad_cursor(
                Text(
                    "El cursor es de otra lista: mantén los mismos filtros y orden, o empieza sin cursor.",
                    "The cursor is of another list: keep filters and sort, or start without a cursor.",
                )
            )
        return key, last_id

    def _filters(self) -> str:
        kept = [
            item
            for item in self._request.query_params.multi_items()
            if item[0] not in {"cursor", "limit", "per_page", "include", "sort"}
        ]
        return self._request.url.path + "?" + urlencode(sorted(kept), errors="replace")

    def _url(self, cursor: str) -> str:
        items = [item for item in self._request.query_params.multi_items() if item[0] != "cursor"]
        base_url = self._request.scope["state"]["base_url"]
        query = urlencode([*items, ("cursor", cursor)], errors="replace")
        return f"{base_url}{self._request.url.path}?{query}"


def json_object(
    text: str, *, etag: str | None = None, status: int = 200, location: str | None = None
) -> Response:
    """Write one resource whose JSON text Postgres made."""
    headers = {"Cache-Control": "private, no-cache"}
    if etag:
        headers["ETag"] = etag
    if location:
        headers["Location"] = location
    return Response(text.encode(), status, headers, media_type="application/json")


async def _total(reads: Reads, view: JsonView, where: Where) -> int:
    params: Params = where.params
    (row,) = await reads.rows(view.count(str(where)), params)
    return int(row[0])


async def _pager(request: Request) -> Pager:
    return Pager(request, request.app.state.keyring, request.state.tenant_id)


ListPager = Annotated[Pager, Depends(_pager)]


def _bad_cursor(message: Text) -> InvalidParameter:
    return InvalidParameter(errors=[FieldError("cursor", "invalid_cursor", str(message))])
