"""The request log: what the firm's credentials asked of the API, and what they were answered."""

import re
from collections.abc import Mapping
from typing import Any, Final

from conecta.kit.db import Reads
from conecta.kit.errors import NotFound
from conecta.kit.ids import canonical
from conecta.kit.pages import PageOfRows, Pager

from . import queries, rules
from .schemas import RequestFilters

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,100}\Z")


async def list_requests(reads: Reads, pager: Pager, *, tenant_id: str, filters: RequestFilters) -> PageOfRows:
    """Return a page of the firm's calls; the newest second of them may still be on its way."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_request(reads: Reads, *, tenant_id: str, request_id: str) -> str:
    """Return the newest call of a request id as JSON text; raise NotFound."""
    if not _REQUEST_ID.match(request_id):
        raise NotFound
    # A bare UUID may be ours without its prefix, or one that the caller chose.
    found = await queries.one(reads, tenant_id, [request_id, canonical("req", request_id) or request_id])
    if found is None:
        raise NotFound
    return found


def as_curl(entry: Mapping[str, Any], *, base_url: str) -> str:
    """Write a call, as `read_request` gives it, as a curl command with the key left to fill in."""
    return rules.as_curl(entry, base_url=base_url)
