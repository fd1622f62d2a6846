"""The portal speaks the client's own language, unless they chose another on a page."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from conecta.kit import language
from conecta.pages.cookies import cookie_name
from conecta.pages.web import Page, client_page


def speak_to(page: Page, preferred: str) -> None:
    """Speak a client's own language, unless they chose another on a page; their browser's does not matter."""
    if page.request.cookies.get(cookie_name(page.settings, "language")) not in {"es", "en"}:
        language.speak(preferred)


async def portal_page(request: Request) -> Page:
    """Open a page of the portal for a client of the firm, in their language."""
    page = await client_page(request)
    speak_to(page, page.person.language)
    return page


PortalPage = Annotated[Page, Depends(portal_page)]


def who(page: Page) -> dict[str, str]:
    """Return the client and their firm, as the services take them."""
    person = page.person
    assert person.client_id is not None
    return {"tenant_id": person.tenant_id, "client_id": person.client_id}


def json_answer(text: str) -> Response:
    """Answer a script of ours with JSON that is written already."""
    return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})
