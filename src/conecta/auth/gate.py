"""The door of the native API: every request brings a credential and is charged to its tenant's limits.

It stands before routing, so that 404 and 405 are covered too, and 401 comes before any 400 or 422.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conecta.kit import clock
from conecta.kit.errors import Problem, TenantMismatch, Unauthorized
from conecta.kit.language import Text
from conecta.kit.problem_responses import problem_response, to_problem
from conecta.kit.rate_limit import Charge, Limits, RateLimitStore, neighbourhood

from .caller import Caller
from .credentials import Admission, Credentials, Presented
from .errors import OriginNotAllowed, RateLimited

log = structlog.get_logger()

_SCHEMES = frozenset({"bearer", "dpop"})
_DAILY_REFUSALS = 50  # times the minute's: an address may fail all day long, slowly


@dataclass(frozen=True)
class GateSettings:
    """What the gate is told by the settings."""

    prefix: str
    refusals_per_minute: int
    # Where a client learns who gives out tokens for this API (RFC 9728).
    resource_metadata: str = ""


class Gate:
    """ASGI middleware that admits, charges, and writes the limits' headers on every answer."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        credentials: Sequence[Credentials],
        limits: RateLimitStore,
        settings: GateSettings,
    ) -> None:
        self._app, self._credentials, self._limits, self._settings = app, credentials, limits, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Admit, charge, pass on; or refuse."""
        if scope["type"] != "http" or not scope["path"].startswith(self._settings.prefix):
            await self._app(scope, receive, send)
            return
        try:
            admission = await self._admit(scope)
            caller = admission.caller
            _introduce(caller, scope)
            charge = admission.charge or await self._limits.charge(caller.tenant_id, caller.limits)
            answer = self._refusal_of(charge, Headers(scope=scope), caller)
        except (Unauthorized, OriginNotAllowed) as refusal:
            charge, answer = await self._charge_refused(scope, refusal)
        except Exception as error:  # noqa: BLE001 - the gate answers for whatever its stores raise
            await problem_response(to_problem(error, path=scope["path"]), scope)(scope, receive, send)
            return
        sending = _Charged(self._limits, charge, send, self._settings.resource_metadata)
        if answer is not None:
            await problem_response(answer, scope)(scope, receive, sending)
            return
        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if sending.started:
                raise
            await problem_response(to_problem(error, path=scope["path"]), scope)(scope, receive, sending)

    async def _admit(self, scope: Scope) -> Admission:
        headers = Headers(scope=scope)
        scheme, token = _scheme_and_token(headers.getlist("authorization"))
        presented = Presented(
            token=token,
            address=_address(scope),
            user_agent=headers.get("user-agent", "")[:200],
            route=f"{scope['method']} {scope['path']}"[:200],
            scheme=scheme,
            proofs=headers.getlist("dpop"),
            method=scope["method"],
            path=scope["path"],
            origin=headers.get("origin", ""),
        )
        for kind in self._credentials:
            if scheme in kind.schemes and kind.recognises(token):
                return await kind.admit(presented)
        raise Unauthorized(
            Text("Esa credencial no tiene una forma conocida.", "That credential has no known form.")
        )

    def _refusal_of(self, charge: Charge, headers: Headers, caller: Caller) -> Problem | None:
        if not charge.allowed:
            return RateLimited(charge, int(time.time()))
        same_firm = {caller.tenant_id, caller.firm_id} if caller.sandbox else {caller.tenant_id}
        wanted = {value.strip() for value in headers.getlist("x-tenant-id")}
        return None if wanted <= same_firm else TenantMismatch()

    async def _charge_refused(self, scope: Scope, refusal: Problem) -> tuple[Charge, Problem]:
        per_minute = self._settings.refusals_per_minute
        limits = Limits(per_minute, per_minute * _DAILY_REFUSALS)
        charge = await self._limits.charge(f"address:{neighbourhood(_address(scope))}", limits)
        return charge, refusal if charge.allowed else RateLimited(charge, int(time.time()))


class _Charged:
    """Sends an answer with the limits' headers, and gives back the charge of one that is free."""

    def __init__(self, limits: RateLimitStore, charge: Charge, send: Send, resource_metadata: str) -> None:
        self._limits, self._charge, self._send = limits, charge, send
        self._challenge = f', resource_metadata="{resource_metadata}"'.encode() if resource_metadata else b""
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Send a piece of the answer."""
        if message["type"] == "http.response.start":
            self.started = True
            shown = await self._refunded() if _is_free(message["status"]) else self._charge
            if message["status"] in {401, 403}:
                message["headers"] = [(name, self._told(name, value)) for name, value in message["headers"]]
            message["headers"] = [*message["headers"], *shown.headers(int(time.time()))]
        await self._send(message)

    def _told(self, name: bytes, value: bytes) -> bytes:
        return value + self._challenge if name.lower() == b"www-authenticate" else value

    async def _refunded(self) -> Charge:
        if not self._charge.allowed:
            return self._charge
        try:
            await self._limits.refund(self._charge)
        except Exception as error:  # noqa: BLE001 - the answer is worth more than the refund
            log.error("refund_failed", error=str(error)[:500])
            return self._charge
        return self._charge.refunded()


def _is_free(status: int) -> bool:
    return status == 304 or status >= 500


def _introduce(caller: Caller, scope: Scope) -> None:
    scope["state"].update(caller=caller, tenant_id=caller.tenant_id, client_id=caller.client_id or "")
    clock.move_for_this_context(caller.clock_offset)
    structlog.contextvars.bind_contextvars(tenant_id=caller.tenant_id, credential_id=caller.credential_id)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


def _scheme_and_token(values: list[str]) -> tuple[str, str]:
    if not values:
        raise Unauthorized(
            Text(
                "Falta la cabecera Authorization: Bearer sk_live_…",
                "The Authorization: Bearer sk_live_… header is missing.",
            ),
            error=None,
        )
    scheme, _, token = values[0].strip().partition(" ")
    scheme, token = scheme.lower(), token.strip()
    if len(values) > 1 or scheme not in _SCHEMES or not token or " " in token or not token.isascii():
        raise Unauthorized(
            Text(
                "La cabecera Authorization tiene que ser una sola: Bearer y la clave o el token.",
                "There must be one Authorization header: Bearer and the key or token.",
            ),
            error="invalid_request",
        )
    return scheme, token
