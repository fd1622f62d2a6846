"""How a client of the firm comes in: by a link that is mailed to them, and opened with a click."""

from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.responses import Response

from conecta.clients.access import service as access
from conecta.clients.access.service import PortalFirm
from conecta.clients.schemas import Email
from conecta.kit import clock
from conecta.kit.errors import ValidationFailed
from conecta.kit.language import Text
from conecta.kit.schemas import Schema
from conecta.pages import forms
from conecta.pages.door import passkey_context
from conecta.pages.refusals import PageRefusal
from conecta.pages.web import Page, VisitorPage, page_router, safe_next
from conecta.people.errors import PasskeyRefused, TooManyAttempts
from conecta.people.passkeys.service import site_of

from .page import json_answer, speak_to

router = page_router("/portal/{tenant_id}")

log = structlog.get_logger()

_HOME = "/portal"


class _Asked(Schema):
    """Who asks for a link."""

    email: Email = Field(max_length=254)


@router.get("/sign-in")
async def ask_for_address(page: VisitorPage, tenant_id: str) -> Response:
    """Ask for the address that the link goes to."""
    firm = await _firm(page, tenant_id)
    return _door(page, firm, page.request.query_params.get("next"))


@router.post("/sign-in")
async def mail_link(page: VisitorPage, tenant_id: str) -> Response:
    """Say that a link is on its way, whoever asked; it is mailed to clients of the firm only."""
    form = await page.form()
    firm = await _firm(page, tenant_id)
    next_path = safe_next(str(form.get("next", "")), _HOME)
    try:
        asked = forms.read(_Asked, {"email": str(form.get("email", ""))})
    except ValidationFailed as refusal:
        return _door(page, firm, next_path, form=form, errors=forms.errors_of(refusal))
    seconds = await access.charge_for_link(
        page.request.app.state.limits, page.keyring, tenant_id=firm.tenant_id, email=asked.email
    )
    if seconds:
        return _door(page, firm, next_path, form=form, seconds=seconds)
    response = page.render("portal/check_mail.html", firm=firm, email=asked.email, next=next_path)
    # Looked up and mailed once the answer has left: how long that takes would tell who is a client.
    response.background = BackgroundTask(partial(_mail, page, firm, asked.email, next_path))
    return response


@router.post("/passkey/options")
async def ask_for_passkey(page: VisitorPage, tenant_id: str) -> Response:
    """What the browser's own dialog is to ask for."""
    await page.form()
    await _firm(page, tenant_id)
    options = await access.ask_for_passkey(page.database, page.keyring, site=site_of(page.settings.base_url))
    return json_answer(options)


@router.post("/passkey")
async def sign_in_by_passkey(page: VisitorPage, tenant_id: str) -> Response:
    """Check the passkey that the browser used."""
    form = await page.form()
    firm = await _firm(page, tenant_id)
    next_path = safe_next(str(form.get("next", "")), _HOME)
    seconds = await access.charge_for_passkey(page.request.app.state.limits)
    if seconds:
        return _door(page, firm, next_path, seconds=seconds)
    try:
        new = await access.sign_in_by_passkey(
            page.database,
            page.keyring,
            site=site_of(page.settings.base_url),
            tenant_id=firm.tenant_id,
            answer=str(form.get("credential", "")),
            former=_former(page),
        )
    except PasskeyRefused:
        new = None
    if new is None:
        return _door(page, firm, next_path, errors=forms.FormErrors(general=[str(PasskeyRefused().text)]))
    return _in(page, firm, next_path, new.secret)


@router.get("/links/{secret}")
async def show_link(page: VisitorPage, tenant_id: str, secret: str) -> Response:
    """Ask for the click that signs in: programs that look at mail open links, but press no buttons."""
    firm = await _firm(page, tenant_id)
    async with page.transaction(system=True) as session:
        arriving = await access.arrival(session, page.keyring, tenant_id=firm.tenant_id, secret=secret)
    if arriving is None:
        return _gone(page, firm)
    speak_to(page, arriving.language)
    return page.render("portal/link.html", firm=firm, arriving=arriving)


@router.post("/links/{secret}")
async def use_link(page: VisitorPage, tenant_id: str, secret: str) -> Response:
    """Sign in, and go on to where the client was going."""
    await page.form()
    firm = await _firm(page, tenant_id)
    async with page.transaction(system=True) as session:
        found = await access.sign_in_by_link(
            session,
            page.keyring,
            tenant_id=firm.tenant_id,
            secret=secret,
            former=_former(page),
        )
    if found is None:
        return _gone(page, firm)
    arrived, new = found
    return _in(page, firm, safe_next(arrived.next_path, _HOME), new.secret)


def _former(page: Page) -> str | None:
    return page.signed_in.session_id if page.signed_in else None


def _in(page: Page, firm: PortalFirm, next_path: str, secret: str) -> Response:
    response = page.redirect(next_path)
    page.set_session(response, secret)
    page.remember_portal(response, firm.tenant_id)
    return response


async def _firm(page: Page, tenant_id: str) -> PortalFirm:
    firm = await access.portal_of(page.database, tenant_id=tenant_id)
    if firm is None:
        raise PageRefusal(404, _NO_PORTAL, _NO_PORTAL_DETAIL)
    clock.move_for_this_context(timedelta(seconds=firm.clock_offset_seconds))
    return firm


def _door(
    page: Page,
    firm: PortalFirm,
    next_path: str | None,
    *,
    form: Any = None,
    errors: forms.FormErrors | None = None,
    seconds: int = 0,
) -> Response:
    if seconds:
        errors = forms.FormErrors(general=[str(TooManyAttempts(seconds).text)])
    signed_in, again = page.signed_in, "again" in page.request.query_params
    already = signed_in is not None and signed_in.client_id and signed_in.tenant_id == firm.tenant_id
    response = page.render(
        "portal/sign_in.html",
        status=429 if seconds else 422 if errors else 200,
        headers={"Retry-After": str(seconds)} if seconds else None,
        firm=firm,
        form=form or {},
        errors=errors,
        next=safe_next(next_path, _HOME),
        already=signed_in if already and not again else None,
        again=signed_in if already and again else None,
        **passkey_context(page),
    )
    page.remember_portal(response, firm.tenant_id)
    return response


def _gone(page: Page, firm: PortalFirm) -> Response:
    return page.render("portal/link_gone.html", status=410, firm=firm)


async def _mail(page: Page, firm: PortalFirm, email: str, next_path: str) -> None:
    try:
        await access.mail_links(
            page.database,
            page.keyring,
            firm=firm,
            email=email,
            next_path=next_path,
            base_url=page.settings.base_url,
        )
    except Exception as error:  # noqa: BLE001 - the answer has left: nobody else would hear of it
        log.error("client_link_not_mailed", error=str(error)[:500])


_NO_PORTAL = Text("Aquí no hay ningún portal", "There is no portal here")
_NO_PORTAL_DETAIL = Text(
    "La dirección no es la de un despacho con portal de clientes. Pide al tuyo el enlace correcto.",
    "This is not the address of a firm with a client portal. Ask yours for the right link.",
)
