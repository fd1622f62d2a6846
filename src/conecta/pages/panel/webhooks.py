"""Webhooks of the firm: list, create, change, switch on and off, delete, try."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.events.catalogue import CATALOGUE
from conecta.kit.errors import Problem
from conecta.kit.etags import Precondition
from conecta.kit.language import Text
from conecta.pages import forms, lists
from conecta.pages.web import AdminPage, Page, page_router
from conecta.webhooks import service
from conecta.webhooks.rules import MAX_ENDPOINTS, outbound_policy
from conecta.webhooks.schemas import TestSend, WebhookCreate, WebhookFilters, WebhookUpdate

from . import event_picker
from .words import DISABLED_REASON, HEALTH, health_of

router = page_router("/panel/webhooks")

ANY_VERSION = Precondition(None)


@router.get("")
async def list_webhooks(page: AdminPage) -> Response:
    """Every endpoint, newest first."""
    found = await service.list_endpoints(
        page.reads,
        page.pager,
        tenant_id=page.person.tenant_id,
        filters=lists.filters(page, WebhookFilters, limit=MAX_ENDPOINTS),
    )
    return page.render("panel/webhooks/list.html", endpoints=lists.listing(page, found), health_of=health_of)


@router.get("/new")
async def ask_for_webhook(page: AdminPage) -> Response:
    """The form of a new endpoint."""
    return _form(page, {}, chosen=["*"], errors=None, endpoint=None)


@router.post("")
async def create_webhook(page: AdminPage) -> Response:
    """Create an endpoint and show its secret, once."""
    form = await page.form()

    async def make(session: AsyncSession) -> Response:
        wanted = forms.read(WebhookCreate, _values(form))
        new = await service.create_endpoint(
            session,
            page.keyring,
            outbound_policy(page.settings),
            caller=page.caller,
            wanted=wanted,
        )
        return page.render(
            "panel/webhooks/created.html", endpoint=json.loads(new.json_text), secret=new.secret
        )

    try:
        return await page.once(form, make)
    except Problem as refusal:
        return _form(page, form, chosen=_chosen(form), errors=forms.errors_of(refusal), endpoint=None)


@router.get("/{endpoint_id}")
async def read_webhook(page: AdminPage, endpoint_id: str) -> Response:
    """One endpoint: what it wants, how it is doing, and a trial."""
    endpoint = await read_endpoint(page, endpoint_id)
    health = json.loads(
        await service.read_health(page.reads, tenant_id=page.person.tenant_id, endpoint_id=endpoint_id)
    )
    return page.render(
        "panel/webhooks/detail.html",
        endpoint=endpoint,
        health=health,
        health_of=health_of,
        health_words=HEALTH,
        reasons=DISABLED_REASON,
        types=[(event.name, f"{event.name} · {event.sentence}") for event in reversed(CATALOGUE)],
    )


@router.get("/{endpoint_id}/edit")
async def ask_to_edit(page: AdminPage, endpoint_id: str) -> Response:
    """The form of an endpoint."""
    endpoint = await read_endpoint(page, endpoint_id)
    return _form(page, endpoint, chosen=endpoint["events"], errors=None, endpoint=endpoint)


@router.post("/{endpoint_id}/edit")
async def update_webhook(page: AdminPage, endpoint_id: str) -> Response:
    """Change where an endpoint is, what it wants, and what it is for."""
    form = await page.form()
    try:
        await _update(page, endpoint_id, forms.read(WebhookUpdate, _values(form)))
    except Problem as refusal:
        endpoint = await read_endpoint(page, endpoint_id)
        errors = forms.errors_of(refusal)
        return _form(page, form, chosen=_chosen(form), errors=errors, endpoint=endpoint)
    page.notice(Text("Cambios guardados.", "Changes saved."))
    return page.redirect(f"/panel/webhooks/{endpoint_id}")


@router.post("/{endpoint_id}/status")
async def switch_webhook(page: AdminPage, endpoint_id: str) -> Response:
    """Enable or disable an endpoint."""
    form = await page.form()
    wanted = forms.read(WebhookUpdate, {"status": form.get("status")})
    await _update(page, endpoint_id, wanted)
    if wanted.status == "enabled":
        page.notice(
            Text(
                "Activado: enviará lo que ocurra desde ahora. Lo retenido mientras estaba parado puedes"
                " enviarlo en «Recuperar».",
                "Enabled: it will send what happens from now on. What was parked in the meantime can be sent"
                " from “Recover”.",
            )
        )
    else:
        page.notice(
            Text(
                "Desactivado: lo que ocurra queda retenido y podrás enviarlo después.",
                "Disabled: what happens is parked, and you can send it later.",
            )
        )
    return page.redirect(f"/panel/webhooks/{endpoint_id}")


@router.get("/{endpoint_id}/delete")
async def ask_to_delete(page: AdminPage, endpoint_id: str) -> Response:
    """Ask once more before an endpoint is deleted."""
    endpoint = await read_endpoint(page, endpoint_id)
    return page.render(
        "confirm.html",
        title=Text("Borrar el webhook", "Delete the webhook"),
        question=Text("¿Seguro que quieres borrar {url}?", "Do you really want to delete {url}?").fill(
            url=endpoint["url"]
        ),
        consequences=[
            Text(
                "Se borran también todas sus entregas, las pendientes incluidas.",
                "All of its deliveries go with it, pending ones too.",
            ),
            Text(
                "No se puede deshacer. Si solo quieres pararlo, desactívalo.",
                "It cannot be undone. If you only want to pause it, disable it.",
            ),
        ],
        button=Text("Borrar el webhook", "Delete the webhook"),
        back=f"/panel/webhooks/{endpoint['id']}",
    )


@router.post("/{endpoint_id}/delete")
async def delete_webhook(page: AdminPage, endpoint_id: str) -> Response:
    """Delete an endpoint."""
    await page.form()
    async with page.transaction() as session:
        await service.delete_endpoint(
            session, caller=page.caller, endpoint_id=endpoint_id, precondition=ANY_VERSION
        )
    page.notice(Text("El webhook está borrado.", "The webhook is deleted."))
    return page.redirect("/panel/webhooks")


@router.post("/{endpoint_id}/test")
async def send_test(page: AdminPage, endpoint_id: str) -> Response:
    """Send a greeting or an example, and show how its delivery goes."""
    form = await page.form()

    async def make(session: AsyncSession) -> Response:
        wanted = forms.read(TestSend, {"type": form.get("type")})
        delivery_id, _ = await service.send_test(
            session, tenant_id=page.person.tenant_id, endpoint_id=endpoint_id, type_name=wanted.type
        )
        page.notice(Text("La prueba está en camino.", "The trial is on its way."), kind="info")
        return page.redirect(f"/panel/webhooks/{endpoint_id}/deliveries/{delivery_id}")

    try:
        return await page.once(form, make)
    except Problem as refusal:
        return page.back(refusal, f"/panel/webhooks/{endpoint_id}")


async def read_endpoint(page: Page, endpoint_id: str) -> dict[str, Any]:
    """Return an endpoint as the API shows it; raise NotFound."""
    text, _ = await service.read_endpoint(
        page.reads, tenant_id=page.person.tenant_id, endpoint_id=endpoint_id
    )
    found: dict[str, Any] = json.loads(text)
    return found


async def _update(page: Page, endpoint_id: str, wanted: WebhookUpdate) -> None:
    async with page.transaction() as session:
        await service.update_endpoint(
            session,
            outbound_policy(page.settings),
            caller=page.caller,
            endpoint_id=endpoint_id,
            wanted=wanted,
            precondition=ANY_VERSION,
        )


def _chosen(form: FormData) -> list[str]:
    return [value for value in form.getlist("events") if isinstance(value, str)]


def _values(form: FormData) -> dict[str, Any]:
    return {
        "url": form.get("url", ""),
        "events": event_picker.simplest(_chosen(form)),
        "description": form.get("description") or None,
    }


def _form(
    page: Page,
    form: Mapping[str, Any],
    *,
    chosen: Sequence[str],
    errors: forms.FormErrors | None,
    endpoint: Mapping[str, Any] | None,
) -> Response:
    return page.render(
        "panel/webhooks/form.html",
        status=errors.status if errors else 200,
        form=form,
        errors=errors,
        endpoint=endpoint,
        groups=event_picker.groups(chosen),
        chosen=chosen,
    )
