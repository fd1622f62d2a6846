"""Lists on pages: what a feature's list found, its filters, and the way to the next page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import ValidationError

from conecta.kit.errors import InvalidParameter
from conecta.kit.pages import PageOfRows, PageParams
from conecta.kit.validation import field_errors_of_query

from .web import Page

Filters = TypeVar("Filters", bound=PageParams)


@dataclass(frozen=True)
class Listing:
    """Rows as the API writes them, and the addresses of the next and of the first page, if there are any."""

    rows: list[dict[str, Any]]
    next: str | None
    first: str | None


def listing(page: Page, found: PageOfRows) -> Listing:
    """Prepare what a list found for its template."""
    items = [item for item in page.request.query_params.multi_items() if item[0] != "cursor"]
    path = page.request.url.path
    first = f"{path}?{urlencode(items)}" if items else path
    onwards = f"{path}?{urlencode([*items, ('cursor', found.next_cursor)])}" if found.next_cursor else None
    has_cursor = "cursor" in page.request.query_params
    return Listing([json.loads(row) for row in found.rows], onwards, first if has_cursor else None)


def filters(page: Page, model: type[Filters], also: Mapping[str, Any] | None = None, **fixed: Any) -> Filters:
    """Read the filters in the address; those left empty do not count. Raises InvalidParameter.

    Args:
        page: the page whose address is read.
        model: the filters of the API's own list.
        also: filters that were read from the address in another form, such as dates.
        fixed: filters that the page decides.
    """
    known = {name: value for name, value in page.request.query_params.items() if name in model.model_fields}
    given = {name: value for name, value in {**known, **(also or {})}.items() if value not in {"", None}}
    try:
        return model.model_validate({**given, **fixed})
    except ValidationError as error:
        raise InvalidParameter(errors=field_errors_of_query(error.errors())) from None
