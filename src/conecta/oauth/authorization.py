"""Authorization requests: read and judged before anybody is asked, then answered."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from authlib.oauth2.rfc6749 import OAuth2Error  # type: ignore[import-untyped]
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from conecta.audit import service as audit
from conecta.audit.service import Actor
from conecta.auth.roles import SCOPES_OF_CLIENT, SCOPES_OF_ROLE
from conecta.auth.scopes import Scope
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.ids import new_id
from conecta.kit.language import Text
from conecta.settings import Settings

from . import pushed_requests, queries, registered_app, rules
from .code_grant import CodeGrant, S256Challenge
from .errors import NoRedirect, RedirectError
from .protocol import ProtocolRequest, ProtocolServer
from .registered_app import RegisteredApp
from .subjects import SignedIn, Subject

# How long an authorization may stay without a single token.
UNUSED: Final = timedelta(hours=2)
_KNOWN: Final = frozenset(
    {
        "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "prompt",
        "code_challenge_method", "dpop_jkt", "resource", "response_mode", "request", "login_hint",
    }
)  # fmt: skip
_UNREADABLE = re.compile("[\x00-\x1f\x7f\ufffd]")

_NO_APP = Text(
    "La dirección no nombra ninguna aplicación conocida (client_id).",
    "The address names no known application (client_id).",
)
_NO_REDIRECT_URI = Text(
    "La aplicación no ha registrado la dirección a la que quiere volver (redirect_uri).",
    "The application has not registered the address it wants to return to (redirect_uri).",
)
_PUSHED_UNKNOWN = Text(
    "La petición de la aplicación ha caducado o ya se respondió. Vuelve a empezar desde ella.",
    "The application's request has expired or was answered already. Start again from the application.",
)


@dataclass(frozen=True)
class AuthorizationRequest:
    """A sound request: its redirect URI is registered, its scopes and challenge are right."""

    app: RegisteredApp
    issuer: str
    redirect_uri: str
    scopes: tuple[Scope, ...]
    state: str | None
    code_challenge: str | None
    dpop_jkt: str | None
    prompt: frozenset[str]
    login_hint: str | None
    # What was pushed, or else sent: all that is needed to read the request again.
    parameters: Mapping[str, str]
    pushed_id: str | None = None

    @property
    def origin(self) -> str:
        """Where the answer goes, as people should see it: `https://app.example` or `com.example.app:`."""
        return rules.origin_of(self.redirect_uri)


async def read_authorization(
    database: Database, settings: Settings, params: Sequence[tuple[str, str]]
) -> AuthorizationRequest:
    """Read the parameters of an authorization request, or those that were pushed for it.

    Raises NoRedirect (show a page), or RedirectError (tell the app, once the person has signed in).
    """
    counts = Counter(name for name, value in params if value)
    given = {name: value for name, value in params if value}
    app = await _app(database, given, counts)
    if "request_uri" in given:
        if counts["request_uri"] > 1:
            raise NoRedirect(_PUSHED_UNKNOWN)
        pushed = await pushed_requests.find(database, app=app, request_uri=given["request_uri"])
        if pushed is None:
            raise NoRedirect(_PUSHED_UNKNOWN)
        return judge(app, settings.base_url, pushed.parameters, Counter(), pushed_id=pushed.id)
    return judge(app, settings.base_url, given, counts)


def judge(
    app: RegisteredApp,
    issuer: str,
    given: Mapping[str, str],
    counts: Mapping[str, int],
    *,
    pushed_id: str | None = None,
    pushing: bool = False,
) -> AuthorizationRequest:
    """Judge the parameters of a known app's request; raise NoRedirect or RedirectError.

    Args:
        app: whose request it is.
        issuer: who we are.
        given: the parameters that are not empty.
        counts: how often each was sent.
        pushed_id: the pushed request that they are of.
        pushing: whether they are being pushed just now.
    """
    redirect_uri = _redirect_uri(app, given, counts)
    state = given.get("state") if counts.get("state", 1) == 1 else None
    if state is not None and _UNREADABLE.search(state):
        state = None
    fault = _repeated(counts) or _fault(app, issuer, given, pushed=pushing or pushed_id is not None)
    if fault is not None:
        raise _redirect_error(app, redirect_uri, issuer, state, *fault)
    request = ProtocolRequest("GET", given, app=app)
    server = ProtocolServer(issuer, app)
    server.register_grant(CodeGrant, [S256Challenge()])
    try:
        server.get_authorization_grant(request).validate_authorization_request()
    except OAuth2Error as problem:
        description = problem.get_error_description()
        raise _redirect_error(app, redirect_uri, issuer, state, problem.error, description) from None
    return AuthorizationRequest(
        app=app,
        issuer=issuer,
        redirect_uri=redirect_uri,
        scopes=tuple(Scope(name) for name in request.scope.split()),
        state=state,
        code_challenge=given.get("code_challenge"),
        dpop_jkt=given.get("dpop_jkt"),
        prompt=frozenset(given.get("prompt", "").split()),
        login_hint=given.get("login_hint"),
        parameters=dict(given),
        pushed_id=pushed_id,
    )


def deny(
    request: AuthorizationRequest,
    *,
    error: str = "access_denied",
    description: str = "The person did not allow it.",
) -> str:
    """Return where to send the person when there is no consent: the app is told, with state and issuer.

    Other errors answer prompt=none: `login_required`, `consent_required`.
    """
    return _refused(request, error, description).location


async def approve(
    session_system: AsyncSession,
    keyring: KeyRing,
    request: AuthorizationRequest,
    *,
    signed_in: SignedIn,
    tenant_id: str,
    scopes: Iterable[str],
) -> str:
    """Write down a consent and return where to send the person: to the app, with code, state and issuer.

    Scopes are cut to those of the request and to what the person's role allows. Raises RedirectError when
    nothing is left, when they are not of that firm, or when the pushed request was answered already.
    """
    who = await _who(session_system, request, signed_in, tenant_id)
    allowed = rules.in_order(set(scopes) & set(request.scopes) & who.most)
    if not allowed:
        raise _refused(request, "access_denied", "This person may grant none of the scopes.")
    if request.pushed_id and not await pushed_requests.use(session_system, request.app, request.pushed_id):
        raise _refused(request, "invalid_request_uri", "The pushed request was answered already.")
    answer: str = await session_system.run_sync(
        lambda session: _answer_with_code(session, keyring, request, who, allowed)
    )
    await audit.record(
        session_system,
        tenant_id=tenant_id,
        action="oauth_grant.given",
        actor=Actor("client" if who.client_id else "user", who.client_id or who.user_id, who.name),
        target=request.app.id,
        details={"app": request.app.name, "scopes": list(allowed)},
    )
    return answer


@dataclass(frozen=True)
class _Who:
    tenant_id: str
    name: str
    most: frozenset[Scope]
    person_id: str | None = None
    user_id: str | None = None
    client_id: str | None = None


async def _who(
    session: AsyncSession, request: AuthorizationRequest, signed_in: SignedIn, tenant_id: str
) -> _Who:
    if request.app.for_clients:
        own = signed_in.kind == "client" and tenant_id == signed_in.tenant_id == request.app.tenant_id
        client = signed_in.client_id
        name = await queries.client_name(session, tenant_id, client) if own and client else None
        if client is None or name is None:
            raise _refused(request, "access_denied", "The app is for clients of the firm it belongs to.")
        return _Who(tenant_id, name, SCOPES_OF_CLIENT, client_id=client)
    person = signed_in.person_id
    member = await queries.membership(session, tenant_id, person) if person else None
    if signed_in.kind != "person" or member is None:
        raise _refused(request, "access_denied", "The person does not work for that firm.")
    user_id, role, name = member
    return _Who(tenant_id, name, SCOPES_OF_ROLE[role], person_id=person, user_id=user_id)


def _answer_with_code(
    session: Session,
    keyring: KeyRing,
    request: AuthorizationRequest,
    who: _Who,
    scopes: Sequence[Scope],
) -> str:
    app, now = request.app, clock.real_now()
    kind: Literal["person", "client"] = "client" if who.client_id else "person"
    grant_id, version = queries.give(
        session,
        {
            "tenant": who.tenant_id,
            "id": new_id("gnt"),
            "app_tenant": app.tenant_id,
            "app": app.id,
            "kind": kind,
            "subject": who.client_id or who.person_id,
            "person": who.person_id,
            "user": who.user_id,
            "client": who.client_id,
            "scopes": list(scopes),
            "now": now,
        },
    )
    family_id = new_id("fam")
    queries.open_family(
        session,
        tenant_id=who.tenant_id,
        family_id=family_id,
        grant_id=grant_id,
        scopes=scopes,
        now=now,
        until=now + UNUSED,
    )
    subject = Subject(kind, who.tenant_id, grant_id, version, family_id)
    protocol_request = ProtocolRequest("GET", request.parameters, app=app)
    grant = CodeGrant(protocol_request, ProtocolServer(request.issuer, app, keyring, session))
    _, _, headers = grant.create_authorization_response(request.redirect_uri, subject)
    return str(dict(headers)["Location"])


def is_ours(resource: str, issuer: str) -> bool:
    """Say whether a resource (RFC 8707) is our API, by either of its names."""
    return resource.rstrip("/") in rules.audiences(issuer)


async def _app(database: Database, given: Mapping[str, str], counts: Mapping[str, int]) -> RegisteredApp:
    app = await registered_app.find(database, given.get("client_id", ""))
    if app is None or counts["client_id"] != 1:
        raise NoRedirect(_NO_APP)
    return app


def _redirect_uri(app: RegisteredApp, given: Mapping[str, str], counts: Mapping[str, int]) -> str:
    named = given.get("redirect_uri")
    if counts.get("redirect_uri", 0) > 1 or (named is not None and not app.check_redirect_uri(named)):
        raise NoRedirect(_NO_REDIRECT_URI)
    found = named or app.get_default_redirect_uri()
    if found is None:
        raise NoRedirect(_NO_REDIRECT_URI)
    return found


def _repeated(counts: Mapping[str, int]) -> tuple[str, str] | None:
    twice = [name for name, count in counts.items() if count > 1]
    if not twice:
        return None
    named = next((name for name in twice if name in _KNOWN), None)
    return (
        "invalid_request",
        f"The parameter {named} was sent twice." if named else "A parameter was sent twice.",
    )


def _fault(
    app: RegisteredApp, issuer: str, given: Mapping[str, str], *, pushed: bool
) -> tuple[str, str] | None:
    """Say what is wrong with a request, but for what Authlib judges: scope and challenge."""
    unreadable = [name for name in _KNOWN & given.keys() if _UNREADABLE.search(given[name])]
    prompt = given.get("prompt", "").split()
    faults = [
        (unreadable, "invalid_request", "A parameter has control characters or is not UTF-8."),
        ("request" in given, "request_not_supported", "Request objects are not supported; push it."),
        (
            app.pushed_requests_required and not pushed,
            "invalid_request",
            "This app has to push its requests: POST /oauth/par.",
        ),
        ("response_type" not in given, "invalid_request", "Missing response_type."),
        (
            given.get("response_type") != "code",
            "unsupported_response_type",
            "The only response_type is code.",
        ),
        (
            not app.check_grant_type("authorization_code"),
            "unauthorized_client",
            "The app is not registered for the authorization code grant.",
        ),
        (
            given.get("response_mode", "query") != "query",
            "invalid_request",
            "The only response_mode is query.",
        ),
        ("none" in prompt and len(prompt) > 1, "invalid_request", "prompt=none goes with no other prompt."),
        (
            not rules.is_thumbprint(given.get("dpop_jkt", "A" * 43)),
            "invalid_request",
            "The dpop_jkt is no SHA-256 thumbprint.",
        ),
        (
            not is_ours(given.get("resource", issuer), issuer),
            "invalid_target",
            "The only resource is this API.",
        ),
    ]
    return next(((error, text) for wrong, error, text in faults if wrong), None)


def _refused(request: AuthorizationRequest, error: str, description: str) -> RedirectError:
    return _redirect_error(
        request.app, request.redirect_uri, request.issuer, request.state, error, description
    )


def _redirect_error(
    app: RegisteredApp, redirect_uri: str, issuer: str, state: str | None, error: str, description: str
) -> RedirectError:
    parameters = [("error", error), ("error_description", rules.description(description))]
    parameters += [*([("state", state)] if state is not None else []), ("iss", issuer)]
    location = rules.with_parameters(redirect_uri, parameters)
    return RedirectError(app=app, error=error, description=description, location=location)
