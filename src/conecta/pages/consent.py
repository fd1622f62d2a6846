"""Where a person lets an app act for them in a firm (RFC 6749 §4.1.1), and the ways there and on.

What is shown is sealed into the form, bound to the session, and judged anew when it comes back: nobody can
change the request between the page and the answer, nor have one person answer what another was shown.
"""

import json
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from starlette.responses import Response

from conecta.auth.scopes import Scope
from conecta.kit import clock
from conecta.kit.language import Text
from conecta.oauth import service as oauth
from conecta.oauth.errors import NoRedirect, RedirectError
from conecta.oauth.registered_app import RegisteredApp
from conecta.oauth.service import AuthorizationRequest
from conecta.sessions import service as sessions

from . import consent_view, forms
from .consent_view import Place
from .forms import NO_ERRORS, FormErrors
from .refusals import PageRefusal, form_expired
from .web import Page, VisitorPage, page_router

router = page_router()

_SEAL = "consent requests"
_SEALED_FOR = 1800  # seconds in which a person may make up their mind
_PATH = "/oauth/authorize"

Params = Sequence[tuple[str, str]]


@router.get(_PATH)
async def ask(page: VisitorPage) -> Response:
    """Ask the person, unless they must sign in first, or allowed it before."""
    params = page.request.query_params.multi_items()
    try:
        wanted = await _read(page, params)
    except RedirectError as refusal:
        # Whoever registers an app could otherwise use a link to us to send strangers to a page of theirs.
        return _sign_in(page, refusal.app) or _leave(page, refusal.location, refusal.app.name)
    silent = "none" in wanted.prompt
    to_sign_in = _sign_in(page, wanted.app, anew="login" in wanted.prompt)
    if to_sign_in:
        return _refuse(page, wanted, "login_required", "Nobody is signed in.") if silent else to_sign_in
    if await _allowed_before(page, wanted):
        return await _approve(page, wanted, page.person.tenant_id, wanted.scopes)
    if silent:
        return _refuse(page, wanted, "consent_required", "The person has not allowed it yet.")
    return await _show(page, wanted, params)


@router.post(_PATH)
async def answer(page: VisitorPage) -> Response:
    """Take the person's answer on to the app."""
    form = await page.form()
    params = _unseal(page, form.get("request"))
    try:
        wanted = await _read(page, params)
    except RedirectError as refusal:
        return _leave(page, refusal.location, refusal.app.name)
    if form.get("action") != "approve":
        return _leave(page, oauth.deny(wanted), wanted.app.name)
    chosen, ticked = str(form.get("firm", "")), {str(value) for value in form.getlist("scope")}
    place = next((place for place in await _places(page, wanted) if place.tenant_id == chosen), None)
    if place is None:
        raise form_expired()
    scopes = [scope for scope in wanted.scopes if scope.value in ticked and scope in place.allowed]
    if not scopes:
        errors = forms.one_error("scope", _nothing_left(place, bool(ticked)))
        return await _show(page, wanted, params, chosen=chosen, ticked=ticked, errors=errors)
    return await _approve(page, wanted, place.tenant_id, scopes)


async def _read(page: Page, params: Params) -> AuthorizationRequest:
    try:
        return await oauth.read_authorization(page.database, page.settings, params)
    except NoRedirect as refusal:
        title = Text("No podemos seguir con esta aplicación", "We cannot go on with this application")
        raise PageRefusal(400, title, refusal.sentence) from None


def _sign_in(page: Page, app: RegisteredApp, *, anew: bool = False) -> Response | None:
    """Return the way to the sign-in that this app's people need, None when they are signed in.

    `anew`: who proved longer ago who they are has to do so again.
    """
    signed_in = page.signed_in
    kind = "client" if app.for_clients else "person"
    own = signed_in is not None and signed_in.kind == kind
    if app.for_clients:
        own = own and page.person.tenant_id == app.tenant_id
    if own and (page.person.is_fresh or not anew):
        return None
    doors = {
        "client": f"/portal/{app.tenant_id}/sign-in",
        "person": "/account/confirm" if own else "/sign-in",
    }
    back = f"{_PATH}?{page.request.url.query}"
    return page.redirect(f"{doors[kind]}?next={quote(back, safe='')}")


async def _places(page: Page, wanted: AuthorizationRequest) -> list[Place]:
    person = page.person
    if wanted.app.for_clients:
        return [consent_view.client_place(person.tenant_id, person.tenant_name, sandbox=person.sandbox)]
    assert person.person_id is not None
    firms = await sessions.firms_of(page.database, person_id=person.person_id)
    return [
        place
        for firm in firms
        for place in consent_view.firm_places(firm.tenant_id, firm.name, firm.role, firm.sandbox_id)
    ]


async def _allowed_before(page: Page, wanted: AuthorizationRequest) -> bool:
    """Say whether the same was allowed before to an app that can prove who it is."""
    if wanted.app.public or wanted.prompt & {"consent", "select_account", "login"}:
        return False
    person = page.person
    granted = await oauth.existing_grant(page.database, wanted, signed_in=person, tenant_id=person.tenant_id)
    return granted is not None and set(wanted.scopes) <= set(granted)


async def _show(
    page: Page,
    wanted: AuthorizationRequest,
    params: Params,
    *,
    chosen: str | None = None,
    ticked: set[str] | None = None,
    errors: FormErrors = NO_ERRORS,
) -> Response:
    places = await _places(page, wanted)
    offers = consent_view.offers(wanted.scopes, places)
    known = {place.tenant_id for place in places}
    here = page.person.tenant_id
    return page.render(
        "consent/ask.html",
        status=422 if errors else 200,
        # Older browsers get their answer as a redirect, and judge where a form's redirect leads.
        form_action=[_source(wanted.origin)],
        app=wanted.app,
        origin=wanted.origin,
        places=places,
        chosen=chosen or (here if here in known else places[0].tenant_id),
        offers=offers,
        ticked={offer.scope.value for offer in offers} if ticked is None else ticked,
        out_of_reach=consent_view.out_of_reach(wanted.scopes, places),
        never=consent_view.never(wanted.scopes),
        sealed=_seal(page, params),
        here=f"{_PATH}?{urlencode(params)}",
        errors=errors,
    )


async def _approve(
    page: Page, wanted: AuthorizationRequest, tenant_id: str, scopes: Sequence[Scope]
) -> Response:
    try:
        async with page.transaction(system=True) as session:
            location = await oauth.approve(
                session, page.keyring, wanted, signed_in=page.person, tenant_id=tenant_id, scopes=scopes
            )
    except RedirectError as refusal:
        location = refusal.location
    return _leave(page, location, wanted.app.name)


def _refuse(page: Page, wanted: AuthorizationRequest, error: str, description: str) -> Response:
    return _leave(page, oauth.deny(wanted, error=error, description=description), wanted.app.name)


def _leave(page: Page, location: str, app_name: str) -> Response:
    """Send the person on to the app.

    Chromium follows a form's redirects only where the form's page allows them, to the last of them, and an
    app may well redirect on to another host of its own. So browsers that come from a form of ours get a page
    that leads on. A private scheme is the exception: phones open apps for a redirect, not for a page.
    """
    from_our_page = page.request.headers.get("sec-fetch-site") == "same-origin"
    if from_our_page and location.startswith(("https://", "http://")):
        return page.render("consent/leave.html", location=location, app_name=app_name)
    return page.redirect(location)


def _source(origin: str) -> str:
    """Return an origin as a source of the CSP, which has no addresses of IPv6."""
    return origin.partition("//")[0] if "[" in origin else origin


def _seal(page: Page, params: Params) -> str:
    until = int(clock.real_now().timestamp()) + _SEALED_FOR
    payload = json.dumps([page.person.session_id, until, list(params)]).encode()
    return page.keyring.sign(_SEAL, payload)


def _unseal(page: Page, sealed: object) -> Params:
    payload = page.keyring.verify(_SEAL, sealed) if isinstance(sealed, str) else None
    if payload is None or page.signed_in is None:
        raise form_expired()
    session_id, until, params = json.loads(payload)
    if session_id != page.signed_in.session_id or until < clock.real_now().timestamp():
        raise form_expired()
    return [(name, value) for name, value in params]


def _nothing_left(place: Place, anything_ticked: bool) -> Text:
    if not anything_ticked:
        return Text(
            "Deja marcado al menos un permiso, o pulsa «No permitir».",
            "Leave at least one permission ticked, or press “Do not allow”.",
        )
    return Text(
        "Tu rol en {place} no te permite dar ninguno de los permisos marcados. Elige otra firma.",
        "Your role at {place} does not let you give any of the ticked permissions. Choose another firm.",
    ).fill(place=place.name)
