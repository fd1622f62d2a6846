"""Somebody stands before a firm's public page: at its own address, or in a frame on the firm's website.

Nobody has to be known here, so no session and no cookie plays a part, and a frame on another site gets no
cookies anyway. What keeps programs out is the proof of work; and other people's pages may not have our forms
sent by their readers, each from an address of its own.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.kit import clock, language
from conecta.kit.db import HotReads
from conecta.kit.errors import Problem
from conecta.kit.language import Text
from conecta.pages import forms, rendering, times
from conecta.pages.cookies import cookie_name
from conecta.pages.refusals import PageRefusal, form_expired, unstorable
from conecta.pages.web import Page
from conecta.website import proof
from conecta.website.public import service as public
from conecta.website.site import service as sites
from conecta.website.site.service import PublicFirm

_DONE = "public page done"
_NOBODY = Text("Aquí no hay ninguna página", "There is no page here")
_NOBODY_DETAIL = Text(
    "La dirección no es la de un despacho, o su página está cerrada. Comprueba que está bien escrita.",
    "This is not the address of a firm, or its page is closed. Check that it is spelt right.",
)


@dataclass(frozen=True)
class Visit:
    """One look at a firm's public page."""

    page: Page
    firm: PublicFirm
    caller: Caller
    base: str
    zone: ZoneInfo
    origins: Sequence[str] | None = None
    """Where it may be framed; None at its own address, where nobody may."""

    @property
    def reads(self) -> HotReads:
        """Reads as the firm."""
        return HotReads(self.page.database, self.firm.tenant_id, "")

    @property
    def source(self) -> str:
        """How what is written here comes to the firm."""
        return "page" if self.origins is None else "widget"

    def link(self, path: str = "", **query: str | None) -> str:
        """Return an address below the firm's, with the language and the zone that were asked for."""
        asked = self.page.request.query_params
        kept = {name: asked.get(name) for name in ("lang", "tz")} | query
        found = urlencode({name: value for name, value in kept.items() if value})
        return f"{self.base}{path}" + (f"?{found}" if found else "")

    def render(self, template: str, *, status: int = 200, **context: Any) -> Response:
        """Answer a page of the firm."""
        challenge = proof.challenge(self.page.keyring, self.firm.tenant_id)
        response = self.page.render(
            f"public/{template}.html",
            status=status,
            visit=self,
            firm=self.firm,
            time_zone=str(self.zone),
            challenge=challenge.token,
            bits=proof.BITS,
            **context,
        )
        return self.framed(response)

    def framed(self, response: Response) -> Response:
        """Let the firm's website frame an answer, when it is meant for its frame."""
        if self.origins is not None:
            rendering.let_frame(response.headers, self.origins)
        return response

    async def form(self) -> FormData:
        """Return what was sent; raise a 403 page for forms of others, a 400 one for what cannot be stored."""
        if self.page.is_from_elsewhere:
            raise form_expired()
        form = await self.page.request.form(max_files=0)
        if any("\x00" in value for _, value in form.multi_items() if isinstance(value, str)):
            raise unstorable()
        return form

    async def once(self, form: FormData, make: Callable[[AsyncSession], Awaitable[Response]]) -> Response:
        """Run `make` once however often this form arrives."""
        return self.framed(await self.page.once(form, make, tenant_id=self.firm.tenant_id))

    def done(self, path: str, facts: dict[str, Any]) -> Response:
        """Send the browser on to a page that tells what was done; its address proves that we did."""
        payload = json.dumps([self.firm.tenant_id, facts], ensure_ascii=False).encode()
        return self.page.redirect(self.link(f"{path}/{self.page.keyring.sign(_DONE, payload)}"))

    def done_facts(self, token: str) -> dict[str, Any]:
        """Return what `done` was given; raise a 404 page for what we did not do."""
        payload = self.page.keyring.verify(_DONE, token) if token.isascii() else None
        tenant_id, facts = json.loads(payload) if payload else (None, {})
        if tenant_id != self.firm.tenant_id:
            raise PageRefusal(404, _NOBODY, _NOBODY_DETAIL)
        found: dict[str, Any] = facts
        return found


async def visit(page: Page, firm: str) -> Visit:
    """Open the public page of a firm, by its slug, or by a publishable key in a frame.

    Raises a 404 page, and RateLimited for an address that has looked often enough.
    """
    who: PublicFirm | None
    origins: list[str] | None = None
    if page.request.url.path.startswith("/embed/"):
        who, credential_id, origins = await sites.firm_of_key(page.database, key=firm) or (None, "", [])
        base = f"/embed/{firm}"
        page.request.state.framed_by = origins
    else:
        who, credential_id = await sites.firm_of_slug(page.database, slug=firm), "page"
        base = f"/b/{firm}"
    if who is None:
        raise PageRefusal(404, _NOBODY, _NOBODY_DETAIL)
    await public.look(page.request.app.state.limits, tenant_id=who.tenant_id)
    clock.move_for_this_context(who.clock_offset)
    _speak(page, who)
    zone = times.zone_of(page.request.query_params.get("tz")) or ZoneInfo(who.time_zone)
    return Visit(page, who, sites.visitor_of(who, credential_id=credential_id), base, zone, origins)


def said(refusal: Problem) -> forms.FormErrors:
    """Say to a visitor why something was refused: some of the API's own sentences speak to programs."""
    sentence = _TO_VISITORS.get(refusal.code)
    if sentence is not None:
        return forms.FormErrors(general=[str(sentence)], status=refusal.status)
    return forms.errors_of(refusal)


_GONE = Text("Alguien acaba de reservar esa hora.", "Somebody has just booked that time.")
_TO_VISITORS = {
    "slot_taken": _GONE,
    "seat_full": Text("Ya no quedan plazas a esa hora.", "There are no places left at that time."),
    "proof_refused": Text(
        "Ha pasado demasiado rato desde que abriste la página. Revisa los datos y envíalos otra vez.",
        "Too much time has passed since you opened the page. Check what you wrote and send it again.",
    ),
}


def proven(form: FormData) -> dict[str, Any]:
    """Return what every form of a visitor carries, as the API's own bodies have it."""
    challenge, solution = str(form.get("challenge", "")), str(form.get("solution", ""))
    return {
        "proof": {"challenge": challenge, "solution": solution} if solution else None,
        "website": str(form.get("website", "")) or None,
        "privacy_accepted": form.get("privacy_accepted") == "yes",
    }


def _speak(page: Page, firm: PublicFirm) -> None:
    """Speak the language that was asked for or chosen, else the browser's, else the firm's."""
    asked = page.request.query_params.get("lang")
    chosen = page.request.cookies.get(cookie_name(page.settings, "language"))
    if asked in {"es", "en"}:
        language.speak(asked)
    elif chosen not in {"es", "en"}:
        language.speak(language.choose(page.request.headers.get("accept-language", ""), firm.language))
