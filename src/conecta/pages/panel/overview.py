"""The first page of the panel: the plan and what is used of it, how the webhooks are doing, what failed."""

import json
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from conecta.api_keys import service as api_keys
from conecta.api_keys.schemas import ApiKeyFilters
from conecta.pages import lists
from conecta.pages.web import Page, PersonPage, page_router
from conecta.plans import service as plans
from conecta.requests import service as requests
from conecta.requests.schemas import RequestFilters
from conecta.tenants import service as tenants
from conecta.webhooks import service as webhooks
from conecta.webhooks.rules import MAX_ENDPOINTS
from conecta.webhooks.schemas import WebhookFilters

from .words import PLANS, health_of

router = page_router("/panel")

_ERRORS = 6


@dataclass(frozen=True)
class Gauge:
    """One window of the limits, ready to be drawn as a ring of a thousand units."""

    limit: int
    used: int
    remaining: int
    resets_at: str

    @property
    def percent(self) -> int:
        """How much is used, in whole percent; only what is full is a hundred."""
        return min(100 if self.remaining == 0 else 99, round(100 * self.used / self.limit))

    @property
    def length(self) -> int:
        """How much of the ring is filled; whatever is used can be seen."""
        return min(1000, max(6, round(1000 * self.used / self.limit))) if self.used else 0

    @property
    def level(self) -> str:
        """How near the end is: nothing, `high` or `full`."""
        if self.remaining == 0:
            return "full"
        return "high" if self.used >= 0.8 * self.limit else ""


@router.get("")
async def read_overview(page: PersonPage) -> Response:
    """Plan and use for everybody; webhooks and errors for who answers for them."""
    usage = await plans.usage(page.request.app.state.limits, caller=page.caller)
    account, _ = await tenants.read_tenant(page.reads, tenant_id=page.person.tenant_id)
    return page.render(
        "panel/overview.html",
        account=json.loads(account),
        plan=PLANS[usage["plan"]],
        minute=Gauge(**usage["minute"]),
        day=Gauge(**usage["day"]),
        health_of=health_of,
        **(await _for_administrators(page) if page.may_administer else {}),
    )


async def _for_administrators(page: Page) -> dict[str, Any]:
    tenant_id = page.person.tenant_id
    keys = await api_keys.list_keys(
        page.reads, page.pager, tenant_id=tenant_id, filters=ApiKeyFilters(limit=1)
    )
    endpoints = await webhooks.list_endpoints(
        page.reads, page.pager, tenant_id=tenant_id, filters=WebhookFilters(limit=MAX_ENDPOINTS)
    )
    return {
        "has_keys": bool(keys.rows),
        "endpoints": lists.listing(page, endpoints).rows,
        "errors": await _last_errors(page),
    }


async def _last_errors(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for status in ("4xx", "5xx"):
        filters = RequestFilters(limit=_ERRORS, status=status)
        errors = await requests.list_requests(
            page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters
        )
        found += lists.listing(page, errors).rows
    return sorted(found, key=lambda entry: str(entry["created_at"]), reverse=True)[:_ERRORS]
