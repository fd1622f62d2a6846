"""The sandbox: the door to it, its clock, and its test mailbox."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from conecta.kit.errors import Problem
from conecta.kit.language import Text
from conecta.messages import service as messages
from conecta.messages.schemas import MessageFilters
from conecta.pages import forms, lists
from conecta.pages.refusals import not_for_this_role
from conecta.pages.web import AdminPage, Page, page_router
from conecta.sessions import service as sessions
from conecta.tenants import service as tenants
from conecta.tenants.schemas import ClockMove

from .words import MESSAGE_STATUS

router = page_router("/panel/sandbox")

STEPS = (
    ("3600", Text("1 hora", "1 hour")),
    ("86400", Text("1 día", "1 day")),
    ("604800", Text("7 días", "7 days")),
    ("2592000", Text("30 días", "30 days")),
    ("31536000", Text("1 año", "1 year")),
)
_LATEST = 5


@router.get("")
async def read_sandbox(page: AdminPage) -> Response:
    """The sandbox from within; from the firm, the way into it."""
    if page.person.sandbox:
        return await _sandbox(page, {}, errors=None)
    firms = await sessions.firms_of(page.database, person_id=str(page.person.person_id))
    sandbox = next((firm.sandbox_id for firm in firms if firm.tenant_id == page.person.tenant_id), None)
    if sandbox is None:
        raise not_for_this_role()
    delivers = page.settings.smtp_url is not None
    return page.render("panel/sandbox_door.html", sandbox_id=sandbox, delivers=delivers)


@router.post("/clock")
async def move_clock(page: AdminPage) -> Response:
    """Move the test clock on."""
    form = await page.form()
    try:
        wanted = forms.read(ClockMove, _wanted(form, page.person.time_zone))
        async with page.transaction() as session:
            await tenants.move_clock(session, caller=page.caller, wanted=wanted)
    except Problem as refusal:
        errors = forms.errors_of(refusal, {"advance_seconds": "advance"})
        if not page.person.sandbox:
            return page.back(refusal, "/panel/sandbox")
        return await _sandbox(page, form, errors=errors)
    page.notice(
        Text(
            "El reloj de pruebas ha avanzado. Los reintentos que esperaban se han acercado lo mismo.",
            "The test clock has moved on. Retries that were waiting came nearer by as much.",
        )
    )
    return page.redirect("/panel/sandbox")


def _wanted(form: Mapping[str, Any], zone: str) -> dict[str, Any]:
    if form.get("step") == "set":
        return {"now": forms.local_moment(form, "now", zone)}
    return {"advance_seconds": forms.whole_number(form, "advance")}


async def _sandbox(page: Page, form: Mapping[str, Any], *, errors: forms.FormErrors | None) -> Response:
    latest = await messages.list_messages(
        page.reads,
        page.pager,
        tenant_id=page.person.tenant_id,
        filters=MessageFilters(limit=_LATEST),
        delivers=page.settings.delivers,
    )
    return page.render(
        "panel/sandbox.html",
        status=errors.status if errors else 200,
        clock=tenants.clock_of(page.caller),
        steps=STEPS,
        form=form,
        errors=errors,
        messages=lists.listing(page, latest).rows,
        status_words=MESSAGE_STATUS,
    )
