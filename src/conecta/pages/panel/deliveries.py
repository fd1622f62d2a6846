"""What was sent to a webhook: list, one delivery with request and answers, send again, recover a range."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from conecta.events import service as events
from conecta.events.catalogue import CATALOGUE
from conecta.kit.errors import Problem
from conecta.kit.language import Text
from conecta.pages import forms, lists
from conecta.pages.web import AdminPage, Page, page_router
from conecta.webhooks import service
from conecta.webhooks.delivery import USER_AGENT
from conecta.webhooks.schemas import DeliveryFilters, Recover

from . import event_picker
from .webhooks import read_endpoint
from .words import DELIVERY_STATUS

router = page_router("/panel/webhooks/{endpoint_id}")

_ANY = Text("Cualquiera", "Any")


@router.get("/deliveries")
async def list_deliveries(page: AdminPage, endpoint_id: str) -> Response:
    """Deliveries of an endpoint, newest first."""
    endpoint = await read_endpoint(page, endpoint_id)
    found = await service.list_deliveries(
        page.reads,
        page.pager,
        tenant_id=page.person.tenant_id,
        endpoint_id=endpoint_id,
        filters=lists.filters(page, DeliveryFilters),
    )
    patterns = [(group.pattern, f"{group.pattern} · {group.label}") for group in event_picker.groups()]
    return page.render(
        "panel/webhooks/deliveries.html",
        endpoint=endpoint,
        deliveries=lists.listing(page, found),
        status_words=DELIVERY_STATUS,
        form=page.request.query_params,
        statuses=[("", _ANY), *((name, word.text) for name, word in DELIVERY_STATUS.items())],
        types=[("", _ANY), *patterns, *((event.name, event.name) for event in CATALOGUE)],
    )


@router.get("/deliveries/{delivery_id}")
async def read_delivery(page: AdminPage, endpoint_id: str, delivery_id: str) -> Response:
    """One delivery: what is sent, and what was answered each time."""
    endpoint = await read_endpoint(page, endpoint_id)
    tenant_id = page.person.tenant_id
    delivery = json.loads(
        await service.read_delivery(
            page.reads, tenant_id=tenant_id, endpoint_id=endpoint_id, delivery_id=delivery_id
        )
    )
    body = await events.read_event(page.reads, tenant_id=tenant_id, event_id=delivery["event_id"])
    return page.render(
        "panel/webhooks/delivery.html",
        endpoint=endpoint,
        delivery=delivery,
        body=body,
        user_agent=USER_AGENT,
        status_words=DELIVERY_STATUS,
    )


@router.post("/deliveries/{delivery_id}/resend")
async def resend_delivery(page: AdminPage, endpoint_id: str, delivery_id: str) -> Response:
    """Send a delivery once more."""
    await page.form()
    shown_at = f"/panel/webhooks/{endpoint_id}/deliveries/{delivery_id}"
    try:
        async with page.transaction() as session:
            await service.resend(
                session,
                tenant_id=page.person.tenant_id,
                endpoint_id=endpoint_id,
                delivery_id=delivery_id,
            )
    except Problem as refusal:
        return page.back(refusal, shown_at)
    page.notice(Text("La entrega sale otra vez ahora mismo.", "The delivery goes out again right now."))
    return page.redirect(shown_at)


@router.get("/recover")
async def ask_to_recover(page: AdminPage, endpoint_id: str) -> Response:
    """The form of a recovery."""
    return await _recovery(page, endpoint_id, {}, count=None, errors=None)


@router.post("/recover")
async def recover_deliveries(page: AdminPage, endpoint_id: str) -> Response:
    """Count what a recovery would send; send it when the count has been seen."""
    form = await page.form()
    counting = form.get("step") != "send"
    zone = page.person.time_zone
    try:
        values = {
            "since": forms.local_moment(form, "since", zone),
            "until": forms.local_moment(form, "until", zone),
            "dry_run": counting,
        }
        wanted = forms.read(Recover, values)
        async with page.transaction() as session:
            count = await service.recover(
                session, tenant_id=page.person.tenant_id, endpoint_id=endpoint_id, wanted=wanted
            )
    except Problem as refusal:
        return await _recovery(page, endpoint_id, form, count=None, errors=forms.errors_of(refusal))
    if counting:
        return await _recovery(page, endpoint_id, form, count=count, errors=None)
    page.notice(Text("En camino: {count} entregas.", "On their way: {count} deliveries.").fill(count=count))
    return page.redirect(f"/panel/webhooks/{endpoint_id}/deliveries")


async def _recovery(
    page: Page,
    endpoint_id: str,
    form: Mapping[str, Any],
    *,
    count: int | None,
    errors: forms.FormErrors | None,
) -> Response:
    endpoint = await read_endpoint(page, endpoint_id)
    health = json.loads(
        await service.read_health(page.reads, tenant_id=page.person.tenant_id, endpoint_id=endpoint_id)
    )
    return page.render(
        "panel/webhooks/recover.html",
        status=errors.status if errors else 200,
        endpoint=endpoint,
        health=health,
        form=form,
        count=count,
        errors=errors,
    )
