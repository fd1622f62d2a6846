"""A person's browser without a window: it keeps cookies, follows our redirects and fills in our forms.

Everything is real HTTP to the real pages: the sign-in form with its hidden token, the consent form, and the
redirect to the application, which is where it stops.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from fastapi import FastAPI

from .html_forms import Form, Html, read_html


@dataclass(frozen=True)
class Seen:
    """Where the browser is: a page of ours, or the address outside to which it was sent."""

    url: str
    status: int
    headers: httpx.Headers
    source: str
    outside: bool = False

    @cached_property
    def html(self) -> Html:
        return read_html(self.source)

    @property
    def text(self) -> str:
        return self.html.text

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address, each of which must stand there once."""
        found = parse_qs(urlsplit(self.url).query, keep_blank_values=True)
        assert all(len(values) == 1 for values in found.values()), self.url
        return {name: values[0] for name, values in found.items()}


class Browser:
    """One person at one browser."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.origin = str(http.base_url).rstrip("/")
        self.trail: list[str] = []  # every address of the last journey

    async def open(self, url: str, *, site: str = "none") -> Seen:
        """Go to an address as when it is typed (`none`) or a link elsewhere is followed (`cross-site`)."""
        self.trail = []
        return await self._go("GET", url, None, site)

    async def submit(
        self, page: Seen, form: Form, *, button: tuple[str, str] | None = None, **values: str
    ) -> Seen:
        """Fill in a form of a page and send it."""
        form.fill(**values)
        self.trail = []
        url = urljoin(page.url, form.action or page.url)
        assert form.method == "post", "forms that change something are posted"
        return await self._go("POST", url, form.sent(button=button), "same-origin")

    async def post(self, url: str, fields: Mapping[str, str] | list[tuple[str, str]], **headers: str) -> Seen:
        """Send a form that nobody gave us, as an attacker's page would."""
        self.trail = []
        pairs = list(fields.items()) if isinstance(fields, Mapping) else fields
        return await self._go("POST", url, pairs, headers.pop("site", "cross-site"), headers)

    async def sign_in(self, email: str, password: str, *, page: Seen | None = None) -> Seen:
        """Sign in by the form, at the sign-in page or at the page that leads there."""
        page = page or await self.open("/sign-in")
        form = page.html.form("email", "password", "csrf_token")
        return await self.submit(page, form, email=email, password=password)

    async def _go(
        self,
        method: str,
        url: str,
        fields: list[tuple[str, str]] | None,
        site: str,
        more: Mapping[str, str] | None = None,
    ) -> Seen:
        url = urljoin(self.origin + "/", url)
        for _ in range(10):
            self.trail.append(url)
            if not self._is_ours(url):
                return Seen(url, 0, httpx.Headers(), "", outside=True)
            headers = {
                "Accept": "text/html",
                "Sec-Fetch-Site": site,
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
                **(more or {}),
            }
            content = None
            if method == "POST":
                content = str(httpx.QueryParams(fields or [])).encode()
                headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
            answer = await self.http.request(method, url, content=content, headers=headers)
            if not answer.is_redirect:
                return Seen(url, answer.status_code, answer.headers, answer.text)
            # A browser sends the form anew after a 307 or 308: nothing of ours may ever answer those.
            assert answer.status_code in {302, 303}, answer.status_code
            method, fields, more = "GET", None, None
            url = _joined(url, answer.headers["location"])
        raise AssertionError(f"redirected in circles: {self.trail}")

    def _is_ours(self, url: str) -> bool:
        return url == self.origin or url.startswith(self.origin + "/")


def _joined(base: str, location: str) -> str:
    # urljoin would normalise an address of another scheme; a browser keeps it as it is.
    return urljoin(base, location) if location.startswith("/") else location


def in_process(app: FastAPI, *, address: str = "203.0.113.9", **headers: str) -> httpx.AsyncClient:
    """Return a client for a browser (or an application) that speaks to the application in this process."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 4711))
    base_url = app.state.settings.base_url
    return httpx.AsyncClient(
        transport=transport,
        base_url=base_url,
        follow_redirects=False,
        headers={"Accept-Language": "es", **headers},
    )


def over_network(origin: str) -> httpx.AsyncClient:
    """Return a client for a browser that speaks to a server over the network."""
    return httpx.AsyncClient(base_url=origin, follow_redirects=False, headers={"Accept-Language": "es"})


def consent_form(page: Seen) -> Form:
    """Return the form of the consent page."""
    assert page.status == 200, (page.status, page.text[:400])
    return page.html.form("csrf_token", "request", "firm", "scope")


async def consent(
    browser: Browser,
    page: Seen,
    *,
    firm: str | None = None,
    scopes: Collection[str] | None = None,
    button: str = "approve",
) -> Seen:
    """Answer the consent page as a person would: choose the firm, tick scopes, press a button."""
    form = consent_form(page)
    if firm is not None:
        form.tick("firm", firm)
    if scopes is not None:
        form.tick("scope", *scopes)
    return await browser.submit(page, form, button=("action", button))


async def authorize(
    browser: Browser,
    url: str,
    *,
    person: tuple[str, str] | None = None,
    firm: str | None = None,
    scopes: Collection[str] | None = None,
    button: str = "approve",
) -> Seen:
    """Walk the whole way from an application's link to its redirect: sign in if asked, consent if asked."""
    seen = await browser.open(url, site="cross-site")
    if not seen.outside and urlsplit(seen.url).path == "/sign-in":
        assert person is not None, "the server wants somebody to sign in"
        seen = await browser.sign_in(*person, page=seen)
    if (
        not seen.outside
        and seen.status == 200
        and "request" in {name for form in seen.html.forms for name in form.names()}
    ):
        seen = await consent(browser, seen, firm=firm, scopes=scopes, button=button)
    return on_to(seen)


def on_to(seen: Seen) -> Seen:
    """Follow the page that leads on to the application without asking anything."""
    if seen.outside or seen.status != 200 or not seen.html.refresh:
        return seen
    return Seen(seen.html.refresh, 0, httpx.Headers(), "", outside=True)
