"""The timeline of a case."""

from conecta.auth.caller import Caller
from conecta.cases import service as cases
from conecta.kit.db import Reads
from conecta.kit.pages import PageOfRows, Pager

from . import queries
from .schemas import ActivityFilters


async def list_activities(
    reads: Reads, pager: Pager, *, caller: Caller, case_id: str, filters: ActivityFilters
) -> PageOfRows:
    """Return a page of a case's timeline; a client gets what concerns them. Raises NotFound."""
    key = await cases.visible_case(reads, caller, case_id)
    for_client = caller.kind == "client"
    return await queries.page(reads, pager, caller.tenant_id, key, filters, for_client=for_client)
