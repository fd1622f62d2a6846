"""A client's passkeys: they come in with their device's own lock instead of waiting for mail."""

from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from conecta.audit import service as audit
from conecta.kit.errors import NotFound
from conecta.kit.language import Text
from conecta.pages import door
from conecta.pages.forms import NO_ERRORS, FormErrors
from conecta.pages.refusals import Redirected
from conecta.pages.web import Page, page_router
from conecta.people.errors import SignInRefusal
from conecta.people.passkeys import service as passkeys
from conecta.people.passkeys.service import Owner, site_of

from .page import PortalPage, json_answer, who

router = page_router("/portal/passkeys")

_HERE = "/portal/passkeys"


@router.get("")
async def show_passkeys(page: PortalPage) -> Response:
    """The client's passkeys, and the form for another."""
    _need_proof(page)
    return await _show(page, NO_ERRORS)


@router.post("/options")
async def ask_for_new_passkey(page: PortalPage) -> Response:
    """What the browser's own dialog is to make; who must prove it again first is told where."""
    await page.form()
    if not page.person.is_fresh:
        return JSONResponse({"next": _proof(page)}, 403)
    try:
        options = await passkeys.ask_to_make(
            page.database,
            page.keyring,
            site=site_of(page.settings.base_url),
            owner=_owner(page),
            account=f"{page.person.email} · {page.person.tenant_name}",
            name=page.person.name,
        )
    except SignInRefusal as refusal:
        return JSONResponse({"message": str(refusal.text)}, 409)
    return json_answer(options)


@router.post("")
async def add_passkey(page: PortalPage) -> Response:
    """Keep the passkey that the browser made."""
    form = await page.form()
    _need_proof(page)
    try:
        passkey_id = await passkeys.add_passkey(
            page.database,
            page.keyring,
            site=site_of(page.settings.base_url),
            owner=_owner(page),
            answer=str(form.get("credential", "")),
            name=str(form.get("name", "")),
        )
    except SignInRefusal as refusal:
        return await _show(page, FormErrors(general=[str(refusal.text)]), status=422)
    await _note(page, "passkey.added", passkey_id)
    page.notice(Text("La llave de acceso está añadida.", "The passkey is added."))
    return page.redirect(_HERE)


@router.post("/{passkey_id}/remove")
async def remove_passkey(page: PortalPage, passkey_id: str) -> Response:
    """Forget a passkey: it opens nothing any more."""
    await page.form()
    _need_proof(page)
    async with page.transaction(system=True) as session:
        name = await passkeys.remove_passkey(session, owner=_owner(page), passkey_id=passkey_id)
    if name is None:
        raise NotFound
    await _note(page, "passkey.removed", passkey_id)
    page.notice(Text("La llave de acceso está eliminada.", "The passkey is removed."))
    return page.redirect(_HERE)


def _need_proof(page: Page) -> None:
    if not page.person.is_fresh:
        raise Redirected(_proof(page))


def _proof(page: Page) -> str:
    return f"/portal/{page.person.tenant_id}/sign-in?again=1&next={quote(_HERE, safe='')}"


def _owner(page: Page) -> Owner:
    return Owner(**who(page))


async def _show(page: Page, errors: FormErrors, *, status: int = 200) -> Response:
    return page.render(
        "portal/passkeys.html",
        status=status,
        form={},
        errors=errors,
        passkeys=await passkeys.list_passkeys(page.database, owner=_owner(page)),
        **door.passkey_context(page),
    )


async def _note(page: Page, action: str, passkey_id: str) -> None:
    async with page.transaction() as session:
        await audit.record(
            session,
            tenant_id=page.person.tenant_id,
            action=action,
            actor=audit.actor_of(page.caller),
            target=passkey_id,
        )
