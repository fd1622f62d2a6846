"""`/webhooks`: where a firm wants to be told what happens."""

import json
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.etags import IfMatch, etag
from conecta.kit.outbound_http import OutboundPolicy
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .rules import outbound_policy
from .schemas import (
    DeliveryDetail,
    DeliveryFilters,
    DeliveryRead,
    HealthRead,
    Recover,
    Recovered,
    SecretRotate,
    SecretRotated,
    TestSend,
    WebhookCreate,
    WebhookCreated,
    WebhookFilters,
    WebhookRead,
    WebhookUpdate,
)

router = native_router("/webhooks", tag="Webhooks")

Webhooks = Annotated[Caller, require(Scope.WEBHOOKS)]


async def _keyring(request: Request) -> KeyRing:
    keyring: KeyRing = request.app.state.keyring
    return keyring


async def _policy(request: Request) -> OutboundPolicy:
    return outbound_policy(request.app.state.settings)


Seal = Annotated[KeyRing, Depends(_keyring)]
Policy = Annotated[OutboundPolicy, Depends(_policy)]
Rotation = SecretRotate | None


@router.get("", response_model=Page[WebhookRead], summary="Listar webhooks")
async def list_webhooks(
    caller: Webhooks,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[WebhookFilters, query_of(WebhookFilters)],
) -> Response:
    """The firm's endpoints, newest first. Secrets are never shown again."""
    page = await service.list_endpoints(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=WebhookCreated, status_code=201, summary="Crear webhook")
async def create_webhook(
    caller: Webhooks, session: DbSession, seal: Seal, policy: Policy, wanted: WebhookCreate
) -> Response:
    """Create an endpoint, 50 at most. The answer is the only time that `secret` is shown."""
    new = await service.create_endpoint(session, seal, policy, caller=caller, wanted=wanted)
    body = json.dumps(json.loads(new.json_text) | {"secret": new.secret}, ensure_ascii=False)
    location = f"/v1/servicios/webhooks/{new.id}"
    return _secret(json_object(body, etag=etag(new.version), status=201, location=location))


@router.get("/{uuid}", response_model=WebhookRead, summary="Detalle de un webhook")
async def read_webhook(caller: Webhooks, reads: DbReads, uuid: str) -> Response:
    """One endpoint, without its secret."""
    text, version = await service.read_endpoint(reads, tenant_id=caller.tenant_id, endpoint_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=WebhookRead, summary="Actualizar webhook")
async def update_webhook(
    caller: Webhooks, session: DbSession, policy: Policy, uuid: str, wanted: WebhookUpdate, if_match: IfMatch
) -> Response:
    """Change some members; what is absent stays.

    While an endpoint is disabled its events are parked, what was waiting too. Enabling it forgets its
    failures and sends what happens from then on; what is parked stays so until `recover` is called.
    """
    text, version = await service.update_endpoint(
        session, policy, caller=caller, endpoint_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.delete("/{uuid}", status_code=204, response_class=Response, summary="Borrar webhook")
async def delete_webhook(caller: Webhooks, session: DbSession, uuid: str, if_match: IfMatch) -> Response:
    """Delete an endpoint and all of its deliveries, those that were not sent yet too."""
    await service.delete_endpoint(session, caller=caller, endpoint_id=uuid, precondition=if_match)
    return Response(status_code=204)


@router.post(
    "/{uuid}/secret/rotate", response_model=SecretRotated, status_code=201, summary="Rotar el secreto"
)
async def rotate_secret(
    caller: Webhooks, session: DbSession, seal: Seal, uuid: str, if_match: IfMatch, wanted: Rotation = None
) -> Response:
    """Get a new secret, shown only now. Until `ends_at` both sign `webhook-signature`, and the old one
    alone `X-Webhook-Signature`; then, or when you promote it, the new one is the only one.
    """
    asked = wanted or SecretRotate()
    secret, ends_at = await service.rotate_secret(
        session, seal, caller=caller, endpoint_id=uuid, wanted=asked, precondition=if_match
    )
    return _secret(json_object(json.dumps({"secret": secret, "ends_at": clock.wire(ends_at)}), status=201))


@router.post("/{uuid}/secret/promote", response_model=WebhookRead, summary="Confirmar el secreto nuevo")
async def promote_secret(caller: Webhooks, session: DbSession, uuid: str, if_match: IfMatch) -> Response:
    """End a rotation now: the new secret becomes the only one."""
    text, version = await service.promote_secret(
        session, caller=caller, endpoint_id=uuid, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.delete(
    "/{uuid}/secret/rotation", status_code=204, response_class=Response, summary="Cancelar la rotación"
)
async def cancel_rotation(caller: Webhooks, session: DbSession, uuid: str, if_match: IfMatch) -> Response:
    """Give a rotation up: the old secret stays and the new one is worth nothing."""
    await service.cancel_rotation(session, caller=caller, endpoint_id=uuid, precondition=if_match)
    return Response(status_code=204)


@router.post("/{uuid}/test", response_model=DeliveryDetail, status_code=202, summary="Enviar una prueba")
async def send_test(
    caller: Webhooks, session: DbSession, uuid: str, wanted: TestSend | None = None
) -> Response:
    """Send a greeting, or the example of some type of event, to this endpoint only, whatever its filter."""
    delivery_id, text = await service.send_test(
        session, tenant_id=caller.tenant_id, endpoint_id=uuid, type_name=(wanted or TestSend()).type
    )
    return json_object(text, status=202, location=f"/v1/servicios/webhooks/{uuid}/deliveries/{delivery_id}")


@router.get("/{uuid}/deliveries", response_model=Page[DeliveryRead], summary="Entregas de un webhook")
async def list_deliveries(
    caller: Webhooks,
    reads: DbReads,
    pager: ListPager,
    uuid: str,
    filters: Annotated[DeliveryFilters, query_of(DeliveryFilters)],
) -> Response:
    """What was sent to an endpoint and what is waiting, newest first."""
    page = await service.list_deliveries(
        reads, pager, tenant_id=caller.tenant_id, endpoint_id=uuid, filters=filters
    )
    return pager.respond(page)


@router.get("/{uuid}/deliveries/{delivery}", response_model=DeliveryDetail, summary="Detalle de una entrega")
async def read_delivery(caller: Webhooks, reads: DbReads, uuid: str, delivery: str) -> Response:
    """One delivery with every attempt: when, how long, what was answered."""
    text = await service.read_delivery(
        reads, tenant_id=caller.tenant_id, endpoint_id=uuid, delivery_id=delivery
    )
    return json_object(text)


@router.post(
    "/{uuid}/deliveries/{delivery}/resend",
    response_model=DeliveryDetail,
    status_code=202,
    summary="Reenviar una entrega",
)
async def resend_delivery(caller: Webhooks, session: DbSession, uuid: str, delivery: str) -> Response:
    """Send it once more, or at once instead of later: the same bytes and event id; attempts count on."""
    text = await service.resend(session, tenant_id=caller.tenant_id, endpoint_id=uuid, delivery_id=delivery)
    return json_object(text, status=202)


@router.post("/{uuid}/recover", response_model=Recovered, summary="Recuperar entregas")
async def recover_deliveries(caller: Webhooks, session: DbSession, uuid: str, wanted: Recover) -> Response:
    """Send every failed or parked delivery of the events in a range; `dry_run` only counts them."""
    count = await service.recover(session, tenant_id=caller.tenant_id, endpoint_id=uuid, wanted=wanted)
    return json_object(json.dumps({"count": count, "dry_run": wanted.dry_run}))


@router.get("/{uuid}/health", response_model=HealthRead, summary="Salud de un webhook")
async def read_health(caller: Webhooks, reads: DbReads, uuid: str) -> Response:
    """How its deliveries are going, how many wait, and what the firm was told about it."""
    return json_object(await service.read_health(reads, tenant_id=caller.tenant_id, endpoint_id=uuid))


def _secret(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer
