"""The OAuth2 server of one process: its endpoints for machines, and what they share."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Error  # type: ignore[import-untyped]
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from starlette.requests import Request

from conecta.audit import service as audit
from conecta.audit.service import SYSTEM
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.rate_limit import RateLimitStore
from conecta.settings import Settings

from . import access_tokens, authorization, introspection, pushed_requests, revocation
from .access_tokens import UnknownKey
from .client_authentication import Authenticated, ClientAuthentication
from .client_credentials_grant import AppGrant
from .code_grant import CodeGrant, S256Challenge
from .dpop import Dpop
from .errors import NoRedirect, RedirectError
from .machine_request import MachineRequest
from .protocol import Answer, InvalidTokenError, ProtocolRequest, ProtocolServer
from .refresh_grant import RefreshGrant
from .signing_keys import SigningKeys

_EXTENSIONS: Final = [S256Challenge()]


class OAuthServer:
    """Answers the token, revocation, introspection and pushed request endpoints."""

    def __init__(
        self, settings: Settings, database: Database, keyring: KeyRing, limits: RateLimitStore
    ) -> None:
        self.issuer = settings.base_url
        self.database, self.keyring = database, keyring
        self.keys = SigningKeys(database, keyring)
        self.dpop = Dpop(database, keyring, nonces=settings.oauth_dpop_nonce)
        self._clients = ClientAuthentication(
            database, keyring, limits, failures_per_minute=settings.sign_in_failures_per_minute
        )

    async def token(self, request: MachineRequest) -> Answer:
        """Exchange a code, a refresh token or an app's own credentials for tokens (RFC 6749 §3.2)."""
        caller = await self._authenticated(request)
        jkt = await self._proven_key(request, required=caller.app.dpop_required)
        key = await self.keys.current()

        def exchange(session: Session) -> tuple[Answer, Sequence[tuple[str, str]]]:
            server = ProtocolServer(self.issuer, caller.app, self.keyring, session, key=key, jkt=jkt)
            server.register_grant(CodeGrant, _EXTENSIONS)
            server.register_grant(RefreshGrant)
            server.register_grant(AppGrant)
            answer = server.create_token_response(_protocol_request(request, caller))
            return answer, server.replayed

        if "grant_type" not in request.parameters:
            raise InvalidRequestError("Missing grant_type.")
        _refuse_other_resources(request.parameters, self.issuer)
        # An error is an answer like another: what was used up, and the end of a stolen family, stay.
        async with self.database.transaction(system=True) as session:
            answer, replayed = await session.run_sync(exchange)
            await _tell_replays(session, caller, replayed)
        return answer

    async def revoke(self, request: MachineRequest) -> Answer:
        """End a token and all that came of the same authorization (RFC 7009)."""
        caller = await self._authenticated(request)
        claims = await self.claims_of(request.parameters.get("token", ""))
        return await self._at_endpoint(revocation.Revocation(claims), request, caller)

    async def introspect(self, request: MachineRequest) -> Answer:
        """Tell an app about a token of its own (RFC 7662)."""
        caller = await self._authenticated(request)
        if caller.app.public:
            raise revocation.cannot_prove()
        claims = await self.claims_of(request.parameters.get("token", ""))
        return await self._at_endpoint(introspection.Introspection(claims, self.issuer), request, caller)

    async def push(self, request: MachineRequest) -> Answer:
        """Keep an authorization request for the browser to refer to (RFC 9126)."""
        caller = await self._authenticated(request)
        if "request_uri" in request.parameters:
            raise InvalidRequestError("A pushed request cannot refer to another one.")
        given = {name: value for name, value in request.parameters.items() if name != "client_secret"}
        given["client_id"] = caller.app.id
        if "DPoP" in request.headers:
            jkt = await self._proven_key(request, required=True)
            if given.setdefault("dpop_jkt", jkt or "") != jkt:
                raise InvalidRequestError("The dpop_jkt is not the thumbprint of the proof's key.")
        try:
            authorization.judge(caller.app, self.issuer, given, {}, pushing=True)
        except NoRedirect:
            raise InvalidRequestError("The redirect_uri is not registered.") from None
        except RedirectError as refusal:
            raise OAuth2Error(refusal.description, error=refusal.error) from None
        request_uri = await pushed_requests.push(self.database, app=caller.app, parameters=given)
        lifetime = int(pushed_requests.LIFETIME.total_seconds())
        return Answer(201, {"request_uri": request_uri, "expires_in": lifetime})

    async def refused_token(self, request: Request) -> Exception:
        """Return the refusal of a bearer token at a protocol endpoint; who guesses tokens is slowed down."""
        address = request.client.host if request.client else "unknown"
        await self._clients.charge_failure(address)
        return InvalidTokenError("The access token is missing, unknown, used up or expired.")

    async def claims_of(self, token: str) -> dict[str, Any] | None:
        """Return the claims of an access token of ours that has not expired; None for any other text."""
        if token.count(".") != 2:
            return None
        try:
            return access_tokens.check(token, await self.keys.public(), issuer=self.issuer)
        except UnknownKey:
            pass
        try:
            return access_tokens.check(token, await self.keys.look_again(), issuer=self.issuer)
        except UnknownKey:
            return None

    async def _authenticated(self, request: MachineRequest) -> Authenticated:
        sent = request.headers.getlist("authorization")
        return await self._clients.authenticate(sent, request.parameters, address=request.address)

    async def _proven_key(self, request: MachineRequest, *, required: bool) -> str | None:
        proofs = request.headers.getlist("dpop")
        if not proofs and not required:
            return None
        if not proofs:
            raise OAuth2Error("This app has to send a DPoP proof.", error="invalid_dpop_proof")
        url = self.issuer + request.path
        return await self.dpop.check(proofs, method=request.method, url=url)

    async def _at_endpoint(
        self,
        endpoint: revocation.Revocation | introspection.Introspection,
        request: MachineRequest,
        caller: Authenticated,
    ) -> Answer:
        def ask(session: Session) -> Answer:
            server = ProtocolServer(self.issuer, caller.app, self.keyring, session)
            server.register_endpoint(endpoint)
            answer: Answer = server.create_endpoint_response(
                endpoint.ENDPOINT_NAME, _protocol_request(request, caller)
            )
            return answer

        async with self.database.transaction(system=True) as session:
            return await session.run_sync(ask)


def _protocol_request(request: MachineRequest, caller: Authenticated) -> ProtocolRequest:
    return ProtocolRequest("POST", request.parameters, app=caller.app, auth_method=caller.method)


def _refuse_other_resources(parameters: Mapping[str, str], issuer: str) -> None:
    wanted = parameters.get("resource")
    if wanted is not None and not authorization.is_ours(wanted, issuer):
        raise OAuth2Error("The only resource is this API.", error="invalid_target")


async def _tell_replays(
    session: AsyncSession, caller: Authenticated, replayed: Sequence[tuple[str, str]]
) -> None:
    for tenant_id, grant_id in replayed:
        await audit.record(
            session,
            tenant_id=tenant_id,
            action="oauth_grant.replayed",
            actor=SYSTEM,
            target=caller.app.id,
            details={"app": caller.app.name, "grant_id": grant_id},
        )
