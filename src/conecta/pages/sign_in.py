"""Signing in by password and second factor or by passkey, and signing out."""

from typing import Any

from starlette.responses import JSONResponse, Response

from conecta.kit.language import Text
from conecta.people.errors import CodeRefused, LinkClosed, SignInRefusal
from conecta.people.sign_in import service
from conecta.people.sign_in.service import SecondFactorNeeded
from conecta.sessions import service as sessions

from . import door
from .forms import NO_ERRORS
from .web import Page, VisitorPage, page_router

router = page_router()

_SIGN_IN, _SECOND = "people/sign_in.html", "people/second_factor.html"


@router.get("/sign-in")
async def show_sign_in(page: VisitorPage) -> Response:
    """The form; who is signed in goes on."""
    next_path = door.next_of(page)
    if page.signed_in is not None and page.signed_in.kind == "person":
        return page.redirect(next_path)
    return page.render(_SIGN_IN, form={}, errors=NO_ERRORS, **_context(page, next_path))


@router.post("/sign-in")
async def sign_in(page: VisitorPage) -> Response:
    """Check address and password."""
    form = await page.form()
    next_path = door.next_of(page, form.get("next"))
    email, password = str(form.get("email", "")), str(form.get("password", ""))
    try:
        proof = await service.by_password(door.door_of(page), email=email, password=password)
        if not isinstance(proof, SecondFactorNeeded):
            return await door.enter(page, proof, next_path)
    except SignInRefusal as refusal:
        return door.refused(page, _SIGN_IN, refusal, form={"email": email}, **_context(page, next_path))
    response = page.redirect(door.with_next("/sign-in/second-factor", next_path))
    door.keep_ticket(page, response, proof.ticket)
    return response


@router.get("/sign-in/second-factor")
async def show_second_factor(page: VisitorPage) -> Response:
    """The form for a code, for whoever has just shown the right password."""
    next_path = door.next_of(page)
    try:
        await service.person_of_ticket(door.door_of(page), door.ticket_of(page))
    except LinkClosed:
        return _start_again(page, next_path)
    return page.render(_SECOND, errors=NO_ERRORS, **_code_context(page, next_path))


@router.post("/sign-in/second-factor")
async def check_second_factor(page: VisitorPage) -> Response:
    """Check a code of the app, or a recovery code."""
    form = await page.form()
    next_path, ticket = door.next_of(page, form.get("next")), door.ticket_of(page)
    try:
        proof = await service.by_code(door.door_of(page), ticket=ticket, code=str(form.get("code", "")))
        return await door.enter(page, proof, next_path)
    except LinkClosed:
        return _start_again(page, next_path)
    except SignInRefusal as refusal:
        recovery = form.get("recovery") == "1"
        response = door.refused(page, _SECOND, refusal, **_code_context(page, next_path, recovery=recovery))
        if isinstance(refusal, CodeRefused):
            door.afterwards(response, service.note_wrong_code, door.door_of(page), ticket)
        return response


@router.post("/sign-in/passkey/options")
async def ask_for_passkey(page: VisitorPage) -> Response:
    """What the browser's own dialog is to ask for."""
    await page.form()
    try:
        options = await service.ask_for_passkey(door.door_of(page))
    except SignInRefusal as refusal:
        return JSONResponse({"message": str(refusal.text)}, 429)
    return _json(options)


@router.post("/sign-in/passkey")
async def sign_in_by_passkey(page: VisitorPage) -> Response:
    """Check the passkey that the browser used."""
    form = await page.form()
    next_path = door.next_of(page, form.get("next"))
    try:
        proof = await service.by_passkey(door.door_of(page), answer=str(form.get("credential", "")))
        return await door.enter(page, proof, next_path)
    except SignInRefusal as refusal:
        return door.refused(page, _SIGN_IN, refusal, form={}, **_context(page, next_path))


@router.get("/sign-out")
async def show_sign_out(page: VisitorPage) -> Response:
    """A button: a link alone must not end anybody's session."""
    if page.signed_in is None:
        return page.redirect("/sign-in")
    return page.render("people/sign_out.html")


@router.post("/sign-out")
async def sign_out(page: VisitorPage) -> Response:
    """End the session, also on our side."""
    form = await page.form()
    next_path = door.next_of(page, form.get("next"))
    if page.signed_in is not None:
        async with page.transaction(system=True) as session:
            await sessions.revoke(session, session_id=page.signed_in.session_id)
        await service.note_sign_out(door.door_of(page), page.signed_in)
    page.notice(Text("Has salido.", "You have signed out."))
    # The page they were on knows which door leads back to it.
    response = page.redirect(next_path if form.get("next") else "/sign-in")
    page.clear_session(response)
    return response


def _context(page: Page, next_path: str) -> dict[str, Any]:
    return {"next": next_path, **door.passkey_context(page)}


def _code_context(page: Page, next_path: str, *, recovery: bool | None = None) -> dict[str, Any]:
    if recovery is None:
        recovery = page.request.query_params.get("with") == "recovery"
    return {"form": {}, "next": next_path, "recovery": recovery}


def _start_again(page: Page, next_path: str) -> Response:
    page.notice(
        Text(
            "Han pasado más de diez minutos o ya habías entrado: empieza otra vez.",
            "More than ten minutes have passed, or you had signed in already: start again.",
        ),
        kind="warning",
    )
    return page.redirect(door.with_next("/sign-in", next_path))


def _json(text: str) -> Response:
    return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})
