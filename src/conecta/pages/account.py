"""People's own access: password, authenticator app, recovery codes, passkeys, sessions.

What protects the account asks for proof again when the last one is older than ten minutes.
"""

from typing import Any

import segno
from markupsafe import Markup
from starlette.responses import JSONResponse, Response

from conecta.kit.errors import NotFound
from conecta.kit.language import Text
from conecta.people.account import service
from conecta.people.errors import PasswordRefused, ProofNeeded, SignInRefusal
from conecta.people.passkeys import service as passkeys
from conecta.people.passkeys.service import Owner
from conecta.people.second_factor import service as second_factor
from conecta.people.sign_in import service as sign_in
from conecta.sessions import service as sessions

from . import door
from .devices import describe
from .forms import NO_ERRORS, FormErrors, one_error
from .refusals import Redirected
from .web import Page, PersonPage, page_router

router = page_router("/account")

_CONFIRM, _PASSWORD, _TOTP = "people/confirm.html", "people/password.html", "people/totp.html"
_PASSKEYS, _CODES = "people/passkeys.html", "people/recovery_codes.html"


@router.get("")
async def show_account(page: PersonPage) -> Response:
    """Everything at a glance, and the sessions."""
    person_id = page.person.person_id or ""
    return page.render(
        "people/account.html",
        credentials=await second_factor.credentials_of(page.database, person_id=person_id),
        sessions=await sessions.list_of_person(page.database, person_id=person_id),
        describe=describe,
    )


# --- proving it again ---------------------------------------------------------------------------------


@router.get("/confirm")
async def show_confirm(page: PersonPage) -> Response:
    """Ask who is signed in for their password, or a passkey, once more."""
    return await _confirm(page, door.next_of(page), NO_ERRORS)


@router.post("/confirm")
async def confirm(page: PersonPage) -> Response:
    """Check the password once more."""
    form = await page.form()
    next_path, ready = door.next_of(page, form.get("next")), door.door_of(page)
    try:
        await sign_in.prove_again_by_password(
            ready, signed_in=page.person, password=str(form.get("password", ""))
        )
    except SignInRefusal as refusal:
        return door.refused(page, _CONFIRM, refusal, **await _confirm_context(page, next_path))
    return page.redirect(next_path)


@router.post("/confirm/passkey/options")
async def ask_to_confirm(page: PersonPage) -> Response:
    """What the browser's own dialog is to ask for."""
    await page.form()
    return _json(await sign_in.ask_to_prove_again(door.door_of(page), signed_in=page.person))


@router.post("/confirm/passkey")
async def confirm_by_passkey(page: PersonPage) -> Response:
    """Check the passkey that the browser used."""
    form = await page.form()
    next_path = door.next_of(page, form.get("next"))
    try:
        await sign_in.prove_again_by_passkey(
            door.door_of(page), signed_in=page.person, answer=str(form.get("credential", ""))
        )
    except SignInRefusal as refusal:
        return door.refused(page, _CONFIRM, refusal, **await _confirm_context(page, next_path))
    return page.redirect(next_path)


# --- password -----------------------------------------------------------------------------------------


@router.get("/password")
async def show_password(page: PersonPage) -> Response:
    """Ask for a new password."""
    _need_proof(page, "/account/password")
    return page.render(_PASSWORD, form={}, errors=NO_ERRORS)


@router.post("/password")
async def change_password(page: PersonPage) -> Response:
    """Set it, and end the other sessions."""
    form = await page.form()
    _need_proof(page, "/account/password")
    try:
        await service.change_password(
            door.door_of(page),
            signed_in=page.person,
            password=str(form.get("password", "")),
            language=page.language,
        )
    except PasswordRefused as refusal:
        return door.refused(page, _PASSWORD, refusal, form={})
    page.notice(
        Text(
            "Tu contraseña ha cambiado y las demás sesiones se han cerrado.",
            "Your password has changed, and the other sessions were ended.",
        )
    )
    return page.redirect("/account")


# --- authenticator app and recovery codes -------------------------------------------------------------


@router.get("/totp")
async def show_totp(page: PersonPage) -> Response:
    """The app's state; while it is being set up, its QR code."""
    _need_proof(page, "/account/totp")
    return await _totp(page, NO_ERRORS)


@router.post("/totp/start")
async def start_totp(page: PersonPage) -> Response:
    """Make a secret for the app."""
    await page.form()
    _need_proof(page, "/account/totp")
    await service.begin_totp(door.door_of(page), signed_in=page.person)
    return page.redirect("/account/totp")


@router.post("/totp")
async def turn_totp_on(page: PersonPage) -> Response:
    """Check the first code, turn the app on and show the recovery codes, this once."""
    form = await page.form()
    _need_proof(page, "/account/totp")
    try:
        codes = await service.confirm_totp(
            door.door_of(page), signed_in=page.person, code=str(form.get("code", ""))
        )
    except SignInRefusal as refusal:
        return await _totp(page, one_error("code", refusal.text), status=422)
    return page.render(_CODES, codes=codes, first=True)


@router.post("/totp/off")
async def turn_totp_off(page: PersonPage) -> Response:
    """Turn the app off; its recovery codes stop working too."""
    await page.form()
    _need_proof(page, "/account/totp")
    await service.turn_totp_off(door.door_of(page), signed_in=page.person)
    page.notice(
        Text("La verificación en dos pasos está desactivada.", "Two-step verification is off."),
        kind="warning",
    )
    return page.redirect("/account")


@router.post("/recovery-codes")
async def make_recovery_codes(page: PersonPage) -> Response:
    """Replace the recovery codes and show the new ones, this once."""
    await page.form()
    _need_proof(page, "/account/totp")
    codes = await service.make_recovery_codes(door.door_of(page), signed_in=page.person)
    return page.render(_CODES, codes=codes, first=False)


# --- passkeys -----------------------------------------------------------------------------------------


@router.get("/passkeys")
async def show_passkeys(page: PersonPage) -> Response:
    """The person's passkeys, and the form for another."""
    _need_proof(page, "/account/passkeys")
    return await _passkeys(page, NO_ERRORS)


@router.post("/passkeys/options")
async def ask_for_new_passkey(page: PersonPage) -> Response:
    """What the browser's own dialog is to make; who must prove it again first is told where."""
    await page.form()
    try:
        return _json(await service.ask_to_make_passkey(door.door_of(page), signed_in=page.person))
    except ProofNeeded:
        return JSONResponse({"next": door.with_next("/account/confirm", "/account/passkeys")}, 403)
    except SignInRefusal as refusal:
        return JSONResponse({"message": str(refusal.text)}, 409)


@router.post("/passkeys")
async def add_passkey(page: PersonPage) -> Response:
    """Keep the passkey that the browser made."""
    form = await page.form()
    _need_proof(page, "/account/passkeys")
    try:
        await service.add_passkey(
            door.door_of(page),
            signed_in=page.person,
            answer=str(form.get("credential", "")),
            name=str(form.get("name", "")),
        )
    except SignInRefusal as refusal:
        return await _passkeys(page, FormErrors(general=[str(refusal.text)]), status=422)
    page.notice(Text("La llave de acceso está añadida.", "The passkey is added."))
    return page.redirect("/account/passkeys")


@router.post("/passkeys/{passkey_id}/remove")
async def remove_passkey(page: PersonPage, passkey_id: str) -> Response:
    """Forget a passkey: it opens nothing any more."""
    await page.form()
    _need_proof(page, "/account/passkeys")
    if not await service.remove_passkey(door.door_of(page), signed_in=page.person, passkey_id=passkey_id):
        raise NotFound
    page.notice(Text("La llave de acceso está eliminada.", "The passkey is removed."))
    return page.redirect("/account/passkeys")


# --- sessions -----------------------------------------------------------------------------------------


@router.post("/sessions/end-others")
async def end_other_sessions(page: PersonPage) -> Response:
    """End every session but this one."""
    await page.form()
    await service.end_other_sessions(door.door_of(page), signed_in=page.person)
    page.notice(Text("Las demás sesiones están cerradas.", "The other sessions were ended."))
    return page.redirect("/account")


@router.post("/sessions/{session_id}/end")
async def end_session(page: PersonPage, session_id: str) -> Response:
    """End one session."""
    await page.form()
    if not await service.end_session(door.door_of(page), signed_in=page.person, session_id=session_id):
        raise NotFound
    if session_id == page.person.session_id:
        response = page.redirect("/sign-in")
        page.clear_session(response)
        return response
    page.notice(Text("La sesión está cerrada.", "The session was ended."))
    return page.redirect("/account")


# --- within -------------------------------------------------------------------------------------------


def _need_proof(page: Page, back: str) -> None:
    try:
        service.need_proof(page.person)
    except ProofNeeded:
        raise Redirected(door.with_next("/account/confirm", back)) from None


async def _confirm(page: Page, next_path: str, errors: FormErrors) -> Response:
    return page.render(_CONFIRM, errors=errors, **await _confirm_context(page, next_path))


async def _confirm_context(page: Page, next_path: str) -> dict[str, Any]:
    person_id = page.person.person_id or ""
    credentials = await second_factor.credentials_of(page.database, person_id=person_id)
    return {"form": {}, "next": next_path, "credentials": credentials, **door.passkey_context(page)}


async def _totp(page: Page, errors: FormErrors, *, status: int = 200) -> Response:
    ready, person_id = door.door_of(page), page.person.person_id or ""
    waiting = await service.totp_to_prove(ready, signed_in=page.person)
    return page.render(
        _TOTP,
        status=status,
        form={},
        errors=errors,
        enrolment=waiting,
        picture=_picture(waiting.address) if waiting else None,
        credentials=await second_factor.credentials_of(page.database, person_id=person_id),
    )


async def _passkeys(page: Page, errors: FormErrors, *, status: int = 200) -> Response:
    owner = Owner(person_id=page.person.person_id)
    return page.render(
        _PASSKEYS,
        status=status,
        form={},
        errors=errors,
        passkeys=await passkeys.list_passkeys(page.database, owner=owner),
        **door.passkey_context(page),
    )


def _picture(address: str) -> Markup:
    """Draw a QR code as SVG within the page: attributes only, as the CSP wants it."""
    code = segno.make(address, error="m")
    # It is read by machines, so it stays black on white also where the page is dark.
    drawn = code.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True)
    return Markup(drawn)  # noqa: S704 - shapes that the library drew; nobody's text is in it


def _json(text: str) -> Response:
    return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})
