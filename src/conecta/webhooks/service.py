"""Webhooks: endpoints, the two-phase rotation of their secrets, trials, deliveries and recovery."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.events import service as events
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import FieldError, NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.outbound_http import OutboundPolicy, TargetRefused, check_url
from conecta.kit.pages import PageOfRows, Pager

from . import queries, rules, signing
from .errors import DeliveryUnderWay, EndpointDisabled, NoRotation, RotationRunning, TooManyEndpoints
from .events import TEST
from .models import WebhookEndpoint
from .schemas import (
    DeliveryFilters,
    Recover,
    SecretRotate,
    WebhookCreate,
    WebhookFilters,
    WebhookUpdate,
)

_GREETING = Text(
    "Mensaje de prueba de tu webhook. Si la firma cuadra, funciona.",
    "Trial message of your webhook. If the signature verifies, it works.",
)
_NEVER_NULL = ("url", "events", "status")


async def list_endpoints(
    reads: Reads, pager: Pager, *, tenant_id: str, filters: WebhookFilters
) -> PageOfRows:
    """Return a page of the firm's endpoints."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_endpoint(reads: Reads, *, tenant_id: str, endpoint_id: str) -> tuple[str, str]:
    """Return one endpoint as JSON text and version; raise NotFound."""
    key = canonical("whk", endpoint_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class NewEndpoint:
    """An endpoint that was just made, with its secret, which is never shown again."""

    id: str
    secret: str
    json_text: str
    version: str


async def create_endpoint(
    session: AsyncSession, keyring: KeyRing, policy: OutboundPolicy, *, caller: Caller, wanted: WebhookCreate
) -> NewEndpoint:
    """Create an endpoint.

    Raises ValidationFailed when its URL may not be called, TooManyEndpoints (409) when the firm is full.
    """
    _refuse_url(wanted.url, policy)
    reads = SessionReads(session)
    if await queries.count_in_line(reads, caller.tenant_id) >= rules.MAX_ENDPOINTS:
        raise TooManyEndpoints(limit=rules.MAX_ENDPOINTS)
    secret = signing.new_secret()
    endpoint = WebhookEndpoint(
        tenant_id=caller.tenant_id,
        id=new_id("whk"),
        url=wanted.url,
        description=wanted.description,
        events=wanted.events,
        sealed_secret=keyring.encrypt(rules.SECRET_PURPOSE, secret.encode()),
    )
    session.add(endpoint)
    await _record(session, caller, "webhook.created", endpoint, events=endpoint.events)
    return NewEndpoint(endpoint.id, secret, *await _shown(session, endpoint))


async def update_endpoint(
    session: AsyncSession,
    policy: OutboundPolicy,
    *,
    caller: Caller,
    endpoint_id: str,
    wanted: WebhookUpdate,
    precondition: Precondition,
) -> tuple[str, str]:
    """Change an endpoint; return its JSON text and version.

    Disabling parks what is waiting. Enabling starts with a clean bill of health and leaves what is parked
    to `recover`. Raises NotFound, PreconditionFailed and ValidationFailed.
    """
    endpoint = await _for_change(session, caller.tenant_id, endpoint_id, precondition)
    changes = wanted.model_dump(exclude_unset=True)
    _refuse_null(changes)
    if "url" in changes:
        _refuse_url(changes["url"], policy)
    changed = {name: value for name, value in changes.items() if getattr(endpoint, name) != value}
    if changed:
        await _record(session, caller, "webhook.changed", endpoint, after=changed)
    status = changes.pop("status", endpoint.status)
    _set(endpoint, changes)
    if status != endpoint.status:
        await _switch(session, endpoint, status)
    return await _shown(session, endpoint)


async def delete_endpoint(
    session: AsyncSession, *, caller: Caller, endpoint_id: str, precondition: Precondition
) -> None:
    """Delete an endpoint with its deliveries, attempts and notices. Raises NotFound, PreconditionFailed."""
    endpoint = await _for_change(session, caller.tenant_id, endpoint_id, precondition)
    await session.delete(endpoint)
    await _record(session, caller, "webhook.deleted", endpoint)


async def rotate_secret(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    caller: Caller,
    endpoint_id: str,
    wanted: SecretRotate,
    precondition: Precondition,
) -> tuple[str, datetime]:
    """Start a rotation; return the new secret, which is never shown again, and when it stands alone.

    Raises NotFound, PreconditionFailed, and RotationRunning (409) while another one runs.
    """
    endpoint = await _for_change(session, caller.tenant_id, endpoint_id, precondition)
    now = clock.real_now()
    if rules.rotation_runs(endpoint.rotation_ends_at, now):
        assert endpoint.rotation_ends_at is not None
        raise RotationRunning(id=endpoint.id, ends_at=clock.wire(endpoint.rotation_ends_at))
    _settle(endpoint)
    secret, ends_at = signing.new_secret(), now + timedelta(seconds=wanted.grace_seconds)
    endpoint.sealed_pending_secret = keyring.encrypt(rules.SECRET_PURPOSE, secret.encode())
    endpoint.rotation_ends_at = ends_at
    await _record(session, caller, "webhook.secret_rotated", endpoint, grace_seconds=wanted.grace_seconds)
    return secret, ends_at


async def promote_secret(
    session: AsyncSession, *, caller: Caller, endpoint_id: str, precondition: Precondition
) -> tuple[str, str]:
    """Make the new secret the only one; return the endpoint's JSON text and version.

    Raises NotFound, PreconditionFailed, and NoRotation (409) when there is nothing to promote.
    """
    endpoint = await _rotating(session, caller.tenant_id, endpoint_id, precondition)
    _settle(endpoint)
    await _record(session, caller, "webhook.secret_promoted", endpoint)
    return await _shown(session, endpoint)


async def cancel_rotation(
    session: AsyncSession, *, caller: Caller, endpoint_id: str, precondition: Precondition
) -> None:
    """Keep the old secret and forget the new one.

    Raises NotFound, PreconditionFailed, and NoRotation (409) when none is running.
    """
    endpoint = await _rotating(session, caller.tenant_id, endpoint_id, precondition)
    await _record(session, caller, "webhook.rotation_cancelled", endpoint)
    endpoint.sealed_pending_secret = endpoint.rotation_ends_at = None


async def send_test(
    session: AsyncSession, *, tenant_id: str, endpoint_id: str, type_name: str
) -> tuple[str, str]:
    """Send one event to one endpoint, whatever its filter; return the delivery's id and JSON text.

    The event is the greeting `webhook.test`, or the catalogue's example of another type; it appears in
    no list and no feed as something that happened. Raises NotFound and EndpointDisabled (409).
    """
    endpoint = await _enabled(session, tenant_id, endpoint_id)
    event = events.event_type(type_name)
    greeting = {"endpoint_id": endpoint.id, "message": str(_GREETING)}
    data = greeting if event.name == TEST.name else event.example
    reads = SessionReads(session)
    event_id = await events.record(session, event, tenant_id=tenant_id, resource_id=endpoint.id, data=data)
    delivery_id = await queries.send(reads, tenant_id, endpoint.id, event_id)
    return delivery_id, await _delivery(reads, tenant_id, endpoint.id, delivery_id)


async def list_deliveries(
    reads: Reads, pager: Pager, *, tenant_id: str, endpoint_id: str, filters: DeliveryFilters
) -> PageOfRows:
    """Return a page of an endpoint's deliveries; raise NotFound when there is no such endpoint."""
    key = canonical("whk", endpoint_id)
    if key is None or not await queries.exists(reads, tenant_id, key):
        raise NotFound
    return await queries.deliveries(reads, pager, tenant_id, key, filters)


async def read_delivery(reads: Reads, *, tenant_id: str, endpoint_id: str, delivery_id: str) -> str:
    """Return a delivery with its attempts as JSON text; raise NotFound."""
    return await _delivery(reads, tenant_id, canonical("whk", endpoint_id), canonical("dlv", delivery_id))


async def resend(session: AsyncSession, *, tenant_id: str, endpoint_id: str, delivery_id: str) -> str:
    """Send a delivery once more: the same bytes, the same event id; return it as JSON text.

    Raises NotFound, EndpointDisabled (409), and DeliveryUnderWay (409) when it goes out anyway.
    """
    endpoint = await _enabled(session, tenant_id, endpoint_id)
    key = canonical("dlv", delivery_id)
    delivery = await queries.delivery_for_change(session, tenant_id, endpoint.id, key) if key else None
    if delivery is None:
        raise NotFound
    now = clock.real_now()
    if not rules.may_resend(delivery.status, delivery.due_at, now):
        raise DeliveryUnderWay(id=delivery.id)
    reads = SessionReads(session)
    await queries.resend(reads, tenant_id, delivery.id, now)
    return await _delivery(reads, tenant_id, endpoint.id, delivery.id)


async def recover(session: AsyncSession, *, tenant_id: str, endpoint_id: str, wanted: Recover) -> int:
    """Send what failed or was parked of the events in a range; return how many deliveries that is.

    A dry run only counts, and may be asked of a disabled endpoint, too. Raises NotFound and
    EndpointDisabled (409).
    """
    endpoint = await _for_change(session, tenant_id, endpoint_id)
    if endpoint.status == "disabled" and not wanted.dry_run:
        raise EndpointDisabled(id=endpoint.id)
    return await queries.recover(SessionReads(session), tenant_id, endpoint.id, wanted)


async def bring_nearer(session: AsyncSession, *, tenant_id: str, by: timedelta) -> None:
    """Let the waiting tries of a sandbox follow its clock, which has just been moved on."""
    await queries.bring_nearer(SessionReads(session), tenant_id, by)


async def read_health(reads: Reads, *, tenant_id: str, endpoint_id: str) -> str:
    """Return an endpoint's health as JSON text; raise NotFound."""
    key = canonical("whk", endpoint_id)
    found = await queries.health(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def _record(
    session: AsyncSession, caller: Caller, action: str, endpoint: WebhookEndpoint, **details: Any
) -> None:
    await audit.record(
        session,
        tenant_id=endpoint.tenant_id,
        action=action,
        actor=audit.actor_of(caller),
        target=endpoint.id,
        details={"url": endpoint.url, **details},
    )


def _refuse_url(url: str, policy: OutboundPolicy) -> None:
    try:
        check_url(url, policy)
    except TargetRefused as refused:
        raise ValidationFailed.at("/url", refused.code, rules.refusal(refused.code, policy)) from None


def _refuse_null(changes: dict[str, Any]) -> None:
    message = Text("No puede ser null.", "It cannot be null.")
    nulls = [name for name in _NEVER_NULL if name in changes and changes[name] is None]
    if nulls:
        raise ValidationFailed(errors=[FieldError(f"/{name}", "required", str(message)) for name in nulls])


async def _switch(session: AsyncSession, endpoint: WebhookEndpoint, status: str) -> None:
    if status == "disabled":
        _set(endpoint, {"status": status, "disabled_reason": "manual", "disabled_at": clock.real_now()})
        await session.flush()
        await queries.park(session, endpoint.tenant_id, endpoint.id)
        return
    clean = {"health": "healthy", "failing_since": None, "failures": 0}
    _set(endpoint, {"status": status, "disabled_reason": None, "disabled_at": None, **clean})


def _set(endpoint: WebhookEndpoint, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if getattr(endpoint, name) != value:
            setattr(endpoint, name, value)


def _settle(endpoint: WebhookEndpoint) -> None:
    if endpoint.sealed_pending_secret is not None:
        endpoint.sealed_secret = endpoint.sealed_pending_secret
        endpoint.sealed_pending_secret = endpoint.rotation_ends_at = None


_ANY_VERSION = Precondition(None)


async def _for_change(
    session: AsyncSession, tenant_id: str, endpoint_id: str, precondition: Precondition = _ANY_VERSION
) -> WebhookEndpoint:
    key = canonical("whk", endpoint_id)
    endpoint = await queries.for_change(session, tenant_id, key) if key else None
    if endpoint is None:
        raise NotFound
    precondition.check(rules.version_of(endpoint.version, endpoint.rotation_ends_at, clock.real_now()))
    return endpoint


async def _enabled(session: AsyncSession, tenant_id: str, endpoint_id: str) -> WebhookEndpoint:
    endpoint = await _for_change(session, tenant_id, endpoint_id)
    if endpoint.status == "disabled":
        raise EndpointDisabled(id=endpoint.id)
    return endpoint


async def _rotating(
    session: AsyncSession, tenant_id: str, endpoint_id: str, precondition: Precondition
) -> WebhookEndpoint:
    endpoint = await _for_change(session, tenant_id, endpoint_id, precondition)
    if not rules.rotation_runs(endpoint.rotation_ends_at, clock.real_now()):
        raise NoRotation(id=endpoint.id)
    return endpoint


async def _delivery(reads: Reads, tenant_id: str, endpoint_id: str | None, delivery_id: str | None) -> str:
    found = None
    if endpoint_id and delivery_id:
        found = await queries.delivery(reads, tenant_id, endpoint_id, delivery_id)
    if found is None:
        raise NotFound
    return found


async def _shown(session: AsyncSession, endpoint: WebhookEndpoint) -> tuple[str, str]:
    found = await queries.one(SessionReads(session), endpoint.tenant_id, endpoint.id)
    assert found is not None
    return found
