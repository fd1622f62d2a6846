"""`/b/{firm}/contact`: anybody asks the firm something."""

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from conecta.kit import language
from conecta.kit.errors import Problem
from conecta.pages import forms
from conecta.pages.web import VisitorPage, page_router
from conecta.website.public import service as public
from conecta.website.public.schemas import PublicInquiryCreate

from .visit import proven, said, visit

router = page_router()


@router.get("/b/{firm}/contact")
@router.get("/embed/{firm}/contact")
async def ask_for_question(page: VisitorPage, firm: str) -> Response:
    """The contact form."""
    return (await visit(page, firm)).render("contact", form={}, errors=None)


@router.post("/b/{firm}/contact")
@router.post("/embed/{firm}/contact")
async def ask_firm(page: VisitorPage, firm: str) -> Response:
    """Keep what was asked, and say so."""
    found = await visit(page, firm)
    form = await found.form()
    names = ("email", "phone", "subject")
    values = {name: str(form.get(name, "")).strip() or None for name in names} | proven(form)

    async def make(session: AsyncSession) -> Response:
        written = {name: str(form.get(name, "")) for name in ("name", "message")}
        wanted = forms.read(PublicInquiryCreate, {**written, "language": language.current(), **values})
        await public.ask(
            session,
            page.keyring,
            page.request.app.state.limits,
            caller=found.caller,
            wanted=wanted,
            source=found.source,
            on_our_page=True,
        )
        return page.redirect(found.link("/contact/sent"))

    try:
        return await found.once(form, make)
    except Problem as refusal:
        if refusal.status >= 500:
            raise
        errors = said(refusal)
        return found.render("contact", status=errors.status, form=form, errors=errors)


@router.get("/b/{firm}/contact/sent")
@router.get("/embed/{firm}/contact/sent")
async def show_sent(page: VisitorPage, firm: str) -> Response:
    """Say that the firm has the question."""
    return (await visit(page, firm)).render("sent")
