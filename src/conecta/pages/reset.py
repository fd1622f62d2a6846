"""A forgotten password: asked for by address, set by the mailed link."""

from starlette.responses import Response

from conecta.kit.language import Text
from conecta.people.errors import LinkClosed, SignInRefusal
from conecta.people.reset import service

from . import door
from .forms import NO_ERRORS
from .refusals import PageRefusal
from .web import VisitorPage, page_router

router = page_router("/reset")

_ASK, _SET = "people/reset.html", "people/reset_password.html"


@router.get("")
async def show_form(page: VisitorPage) -> Response:
    """Ask for the address."""
    return page.render(_ASK, form={}, errors=NO_ERRORS)


@router.post("")
async def send_link(page: VisitorPage) -> Response:
    """Answer the same whether the address is known or not; look, and mail, after the answer."""
    form = await page.form()
    email = str(form.get("email", ""))
    ready = door.door_of(page)
    try:
        await service.charge(ready, email=email)
    except SignInRefusal as refusal:
        return door.refused(page, _ASK, refusal, form={"email": email})
    response = page.render("people/reset_sent.html", email=email[:254])
    request = service.Request(email, page.language, page.settings.base_url)
    door.afterwards(response, service.send_link, ready, request)
    return response


@router.get("/{secret}")
async def show_new_password(page: VisitorPage, secret: str) -> Response:
    """Ask for the new password of whoever has the link."""
    try:
        person = await service.person_of_link(door.door_of(page), secret)
    except LinkClosed as refusal:
        raise _gone(refusal) from None
    return page.render(_SET, form={}, errors=NO_ERRORS, email=person.email)


@router.post("/{secret}")
async def set_password(page: VisitorPage, secret: str) -> Response:
    """Set it, end all sessions, and let the person sign in with it."""
    form = await page.form()
    ready = door.door_of(page)
    try:
        email = (await service.person_of_link(ready, secret)).email
        await service.reset(
            ready, secret=secret, password=str(form.get("password", "")), language=page.language
        )
    except LinkClosed as refusal:
        raise _gone(refusal) from None
    except SignInRefusal as refusal:
        return door.refused(page, _SET, refusal, form={}, email=email)
    page.notice(
        Text(
            "Tu contraseña nueva está guardada y las sesiones abiertas se han cerrado. Entra con ella.",
            "Your new password is saved, and the open sessions were ended. Sign in with it.",
        )
    )
    return page.redirect("/sign-in")


def _gone(refusal: LinkClosed) -> PageRefusal:
    return PageRefusal(410, Text("El enlace ya no vale", "The link is no longer valid"), refusal.text)
