"""`/calendars/push/{provider}/{channel}`: where providers say that a calendar has changed, never how.

Whoever shows the channel's secret wakes the reading of its calendar; nothing else is believed.
"""

import hmac
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from conecta.kit import clock, json_body
from conecta.kit.errors import NotFound, Problem
from conecta.kit.problem_responses import problem_response

from . import queries
from .accounts import SECRET_PURPOSE

# The secret shown, the number of the message, whether the channel is to be renewed and the calendar read.
_Heard = tuple[str, int | None, bool, bool]

_LONGEST = 200
_AFTER = {"reauthorizationRequired", "subscriptionRemoved"}


async def take_notice(request: Request) -> Response:
    """Answer at once: 204 when it was for us, also when it came before; 404 for everybody else."""
    provider, channel_id = request.path_params["provider"], request.path_params["channel"]
    state = request.app.state
    fits = channel_id.isascii() and channel_id.isalnum() and len(channel_id) <= _LONGEST
    channel = await queries.channel(state.database, channel_id) if fits else None
    if channel is None or channel[4] != provider:
        return problem_response(NotFound(), request.scope)
    token = request.query_params.get("validationToken")
    if provider == "microsoft" and token is not None:
        # Graph asks so whether the address is ours, before it answers that the subscription exists.
        return PlainTextResponse(token[:4096], headers={"X-Content-Type-Options": "nosniff"})
    tenant_id, _, secret_hash, _, _ = channel
    read = _google if provider == "google" else _microsoft
    heard = await read(request, channel_id)
    if heard is None:
        return problem_response(NotFound(), request.scope)
    secret, number, renew, wakes = heard
    hashes = state.keyring.hashes(SECRET_PURPOSE, secret)
    if not any(hmac.compare_digest(secret_hash, hashed) for hashed in hashes):
        return problem_response(NotFound(), request.scope)
    if wakes:
        await queries.wake(
            state.database, tenant_id, channel_id, number=number, renew=renew, now=clock.real_now()
        )
    return Response(status_code=202 if provider == "microsoft" else 204)


async def _google(request: Request, channel_id: str) -> _Heard | None:
    headers = request.headers
    number = headers.get("x-goog-message-number", "")
    secret = headers.get("x-goog-channel-token", "")[:_LONGEST]
    if headers.get("x-goog-channel-id") != channel_id or not number.isdecimal() or len(number) > 18:
        return None
    # The first message only says that the channel is open; what there is, is about to be read anyway.
    return secret, int(number), False, headers.get("x-goog-resource-state") != "sync"


async def _microsoft(request: Request, channel_id: str) -> _Heard | None:
    del channel_id
    body = await request.body()
    try:
        notices = json_body.parse(body)["value"]
        secrets = {str(notice["clientState"])[:_LONGEST] for notice in notices}
        events: set[Any] = {notice.get("lifecycleEvent") for notice in notices}
    except (Problem, KeyError, TypeError, AttributeError):
        return None
    if len(secrets) != 1:
        return None
    # A subscription that ends, or has, gives way to a new one; one that missed something is simply read.
    return secrets.pop(), None, bool(events & _AFTER), True


ROUTES = [Route("/calendars/push/{provider}/{channel}", take_notice, methods=["POST"])]
