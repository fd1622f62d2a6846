"""One request of a person's browser: who they are, the form they sent, the page they get."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from conecta.auth.caller import Caller
from conecta.kit import clock, language
from conecta.kit.crypto import KeyRing, fingerprint
from conecta.kit.db import Database, HotReads, SessionReads
from conecta.kit.errors import IdempotencyInFlight, Problem
from conecta.kit.idempotency import IdempotentCall
from conecta.kit.ids import canonical
from conecta.kit.language import Text
from conecta.kit.pages import Pager
from conecta.sessions import service as sessions
from conecta.sessions.service import SignedIn
from conecta.settings import Settings

from . import navigation, rendering
from .cookies import chosen_language, cookie_name
from .error_pages import error_page
from .refusals import Redirected, form_expired, not_for_this_role, portal_unknown, unstorable

_CSRF, _NOTICE = "page forms", "page notices"
_TWO_WEEKS = 14 * 86_400
_A_YEAR = 365 * 86_400
_TWIN_TRIES, _TWIN_SECONDS = 50, 0.1  # how long one form waits for its twin
_FIVE_MINUTES = 300  # how long a notice waits for the page it is shown on


class Page:
    """One request of a person's browser."""

    def __init__(self, request: Request, signed_in: SignedIn | None, secret: str | None) -> None:
        self.request, self.signed_in, self._secret = request, signed_in, secret
        self.database: Database = request.app.state.database
        self.keyring: KeyRing = request.app.state.keyring
        self.settings: Settings = request.app.state.settings
        self._visitor = request.cookies.get(self._name("visitor"), "")
        self._visitor_is_new = False
        self._notices: list[dict[str, str]] = []

    # --- who ------------------------------------------------------------------------------------------

    @property
    def language(self) -> str:
        """`es` or `en`."""
        return language.current()

    @property
    def person(self) -> SignedIn:
        """Whoever is signed in, on pages that only they can open."""
        assert self.signed_in is not None
        return self.signed_in

    @property
    def caller(self) -> Caller:
        """The signed-in person or client as the features know callers."""
        return sessions.caller_of(self.person)

    @property
    def may_administer(self) -> bool:
        """Whether the person answers for the firm: owner or admin."""
        return self.signed_in is not None and self.signed_in.role in {"owner", "admin"}

    # --- data -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def transaction(self, *, system: bool = False) -> AsyncIterator[AsyncSession]:
        """Open a transaction as whoever is signed in, or as the system; it is committed at its end."""
        tenant_id, client_id = self._who() if not system else ("", "")
        async with self.database.transaction(
            tenant_id=tenant_id, client_id=client_id, system=system
        ) as session:
            yield session

    @property
    def reads(self) -> HotReads:
        """Reads as whoever is signed in."""
        return HotReads(self.database, *self._who())

    @property
    def pager(self) -> Pager:
        """What the features' lists take to read this request's cursor."""
        return Pager(self.request, self.keyring, self.person.tenant_id)

    def _who(self) -> tuple[str, str]:
        return self.person.tenant_id, self.person.client_id or ""

    # --- forms ----------------------------------------------------------------------------------------

    async def form(self) -> FormData:
        """Return what was sent; raise a 403 page unless it came from a form that we gave this browser."""
        form = await self.request.form(max_files=0)
        sent = form.get("csrf_token")
        proven = self.keyring.verify(_CSRF, sent) if isinstance(sent, str) else None
        owner = self._form_owner()
        if not owner or proven is None or not secrets.compare_digest(proven, owner) or self.is_from_elsewhere:
            raise form_expired()
        if any("\x00" in value for _, value in form.multi_items() if isinstance(value, str)):
            raise unstorable()
        return form

    def csrf_field(self) -> Markup:
        """Return the hidden field that every form of ours carries."""
        if self.signed_in is None and not self._visitor:
            self._visitor, self._visitor_is_new = secrets.token_urlsafe(24), True
        token = self.keyring.sign(_CSRF, self._form_owner())
        return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token)

    def once_field(self) -> Markup:
        """Return the hidden field of forms that create something: `once` knows a form by it."""
        return Markup('<input type="hidden" name="once" value="{}" autocomplete="off">').format(
            secrets.token_urlsafe(18)
        )

    async def once(
        self, form: FormData, make: Callable[[AsyncSession], Awaitable[Response]], *, tenant_id: str = ""
    ) -> Response:
        """Run `make` in a transaction, once however often this form arrives; a twin gets the same answer.

        A refusal that it raises undoes what it wrote, and the form may be sent again. The transaction is that
        of whoever is signed in, or of the firm `tenant_id` whose public page this is.
        """
        values = [
            f"{name}={value}" for name, value in form.multi_items() if name not in {"csrf_token", "once"}
        ]
        sent = fingerprint(str(form.get("once", "")).encode(), *(value.encode() for value in values)).hex()
        for _ in range(_TWIN_TRIES):
            try:
                return await self._once(sent, make, tenant_id)
            except IdempotencyInFlight:
                # A person who pressed twice is to see what the first press brings, not that it is under way.
                await asyncio.sleep(_TWIN_SECONDS)
        return await self._once(sent, make, tenant_id)

    async def _once(
        self, sent: str, make: Callable[[AsyncSession], Awaitable[Response]], tenant_id: str
    ) -> Response:
        opened = self.database.transaction(tenant_id=tenant_id) if tenant_id else self.transaction()
        owner = "visitor" if tenant_id else self.person.session_id
        async with opened as session:
            call = IdempotentCall(
                SessionReads(session),
                self.keyring,
                tenant=tenant_id or self.person.tenant_id,
                route=f"PAGE {self.request.url.path} {owner}",
                key=sent,
                fingerprint=b"",  # what was sent is part of the key
            )
            response = await call.replay()
            if response is None:
                response = await make(session)
                await call.remember(response)
        response.headers.update(rendering.security_headers(https=self._https))
        return response

    def _form_owner(self) -> bytes:
        return (self.signed_in.session_id if self.signed_in else self._visitor).encode()

    @property
    def is_from_elsewhere(self) -> bool:
        """Whether the browser says that a form stood on another site's page: a second lock to the token."""
        site = self.request.headers.get("sec-fetch-site")
        if site is not None:
            return site not in {"same-origin", "none"}
        origin = self.request.headers.get("origin", "null")
        # Without a referrer policy that names it, a browser calls its own origin "null".
        return origin != "null" and urlsplit(origin).netloc != self.request.headers.get("host", "")

    # --- answers --------------------------------------------------------------------------------------

    def render(
        self,
        template: str,
        *,
        status: int = 200,
        form_action: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """Answer a page.

        Args:
            template: its file in `templates/`.
            status: of the answer.
            form_action: where else than to us its forms may lead by a redirect (origins, for the CSP).
            headers: more of the answer.
            context: what the template shows.
        """
        notices = [*self._waiting_notices(), *self._notices]
        html = rendering.environment().get_template(template).render({
            **self._surroundings(), "notices": notices, **context
        })  # fmt: skip
        response = HTMLResponse(html, status)
        response.headers.update(rendering.security_headers(https=self._https, form_action=form_action))
        response.headers.update(headers or {})
        if self._name("notice") in self.request.cookies:
            self._forget(response, "notice")
        if self._visitor_is_new:
            self._keep(response, "visitor", self._visitor, None)
        if self.signed_in and self._secret and self.request.method == "GET":
            self.set_session(response, self._secret)
        return response

    def redirect(self, location: str) -> Response:
        """Send the browser on with a GET (303), with what `notice` said."""
        response = RedirectResponse(location, 303, {"Cache-Control": "no-store"})
        if self._notices:
            payload = json.dumps(self._notices, ensure_ascii=False).encode()
            self._keep(response, "notice", self.keyring.sign(_NOTICE, payload), _FIVE_MINUTES)
        return response

    def notice(self, text: Text, *, kind: str = "success") -> None:
        """Say something once on the next page: `kind` is success, info, warning or danger."""
        self._notices.append({"kind": kind, "text": str(text)})

    def back(self, problem: Problem, location: str) -> Response:
        """Send the browser back to say there why something could not be done (409); raise anything worse."""
        if problem.status != 409:
            raise problem
        self.notice(problem.sentence, kind="warning")
        return self.redirect(location)

    def set_session(self, response: Response, secret: str) -> None:
        """Let the browser keep a session."""
        self._keep(response, "session", secret, _TWO_WEEKS)

    def clear_session(self, response: Response) -> None:
        """Let the browser forget its session."""
        self._forget(response, "session")

    def remember_portal(self, response: Response, tenant_id: str) -> None:
        """Keep whose portal this client uses, so that they find its sign-in again."""
        self._keep(response, "portal", tenant_id, _A_YEAR)

    def set_language(self, response: Response, chosen: str) -> None:
        """Keep the language that the person chose."""
        self._keep(response, "language", chosen, _A_YEAR)

    # --- within ---------------------------------------------------------------------------------------

    @property
    def _https(self) -> bool:
        return self.settings.base_url.startswith("https://")

    def _name(self, short: str) -> str:
        return cookie_name(self.settings, short)

    def _keep(self, response: Response, name: str, value: str, max_age: int | None) -> None:
        response.set_cookie(
            self._name(name), value, max_age, path="/", secure=self._https, httponly=True, samesite="lax"
        )

    def _forget(self, response: Response, name: str) -> None:
        response.delete_cookie(self._name(name), path="/", secure=self._https, httponly=True, samesite="lax")

    def _waiting_notices(self) -> list[dict[str, str]]:
        sealed = self.request.cookies.get(self._name("notice"))
        payload = self.keyring.verify(_NOTICE, sealed) if sealed else None
        found: list[dict[str, str]] = json.loads(payload) if payload else []
        return found

    def _here(self) -> str:
        """Return the address at which this page, or the one its form stands on, can be opened again."""
        path, query = self.request.url.path, self.request.url.query
        if self.request.method == "GET":
            return f"{path}?{query}" if query else path
        pages = [route for route in self.request.app.router.routes if isinstance(route, PageRoute)]
        while not any("GET" in (page.methods or ()) and page.path_regex.match(path) for page in pages):
            path = path.rpartition("/")[0]
        return path or "/"

    def _surroundings(self) -> dict[str, Any]:
        signed_in, path = self.signed_in, self.request.url.path
        return {
            "page": self,
            "signed_in": signed_in,
            "language": self.language,
            "path": path,
            "here": self._here(),
            "time_zone": signed_in.time_zone if signed_in else "Europe/Madrid",
            "csrf_field": self.csrf_field,
            "once_field": self.once_field,
            "navigation": navigation.for_person(signed_in, path) if signed_in else [],
            "request_id": self.request.state.request_id,
        }


def safe_next(path: str | None, default: str = "/panel") -> str:
    """Return a path of ours to go on to; anything that might lead elsewhere becomes the default."""
    if not path or not path.startswith("/") or path.startswith("//") or len(path) > 4000:
        return default
    # Browsers take a backslash for a slash, and drop tabs and line breaks before they judge.
    return default if "\\" in path or any(ord(letter) < 33 for letter in path) else path


class PageRoute(APIRoute):
    """A route of a page: whatever goes wrong becomes a page as well."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wrap FastAPI's handler."""
        handler = super().get_route_handler()

        async def run(request: Request) -> Response:
            try:
                if any("\x00" in value for _, value in request.query_params.multi_items()):
                    raise unstorable()
                return await handler(request)
            except Redirected as elsewhere:
                return RedirectResponse(elsewhere.location, 303, {"Cache-Control": "no-store"})
            except Exception as error:  # noqa: BLE001 - whatever goes wrong gets a page
                return error_page(request, error)

        return run


def page_router(prefix: str = "") -> APIRouter:
    """Return a router of pages; they are no part of the OpenAPI document."""
    return APIRouter(route_class=PageRoute, prefix=prefix, include_in_schema=False)


async def visitor_page(request: Request) -> Page:
    """Open a page for anybody; who has a session is recognised."""
    state = request.app.state
    secret = request.cookies.get(cookie_name(state.settings, "session"))
    signed_in = await sessions.find(state.database, state.keyring, secret) if secret else None
    language.speak(chosen_language(request, signed_in.language if signed_in else "es"))
    if signed_in:
        clock.move_for_this_context(signed_in.clock_offset)
        structlog.contextvars.bind_contextvars(
            tenant_id=signed_in.tenant_id, credential_id=signed_in.session_id
        )
    return Page(request, signed_in, secret if signed_in else None)


async def person_page(request: Request) -> Page:
    """Open a page for people of a firm; send others to the sign-in."""
    page = await visitor_page(request)
    if page.signed_in is None:
        raise Redirected(_sign_in(request))
    if page.signed_in.kind != "person":
        raise Redirected("/portal")
    return page


async def admin_page(request: Request) -> Page:
    """Open a page for owners and admins."""
    page = await person_page(request)
    if not page.may_administer:
        raise not_for_this_role()
    return page


async def client_page(request: Request) -> Page:
    """Open a page for a client of the firm; send others to the sign-in of the portal they used last."""
    page = await visitor_page(request)
    if page.signed_in is not None and page.signed_in.kind == "client":
        return page
    known = canonical("tenant", request.cookies.get(cookie_name(page.settings, "portal"), ""))
    if known is None:
        raise portal_unknown()
    door = f"/portal/{known}/sign-in"
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = request.method == "GET" and here != "/portal"
    raise Redirected(f"{door}?next={quote(here, safe='')}" if wanted else door)


VisitorPage = Annotated[Page, Depends(visitor_page)]
PersonPage = Annotated[Page, Depends(person_page)]
AdminPage = Annotated[Page, Depends(admin_page)]
ClientPage = Annotated[Page, Depends(client_page)]


def _sign_in(request: Request) -> str:
    if request.method != "GET":
        return "/sign-in"
    query = f"?{request.url.query}" if request.url.query else ""
    return f"/sign-in?next={quote(request.url.path + query, safe='')}"
