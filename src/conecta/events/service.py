"""Emits events inside the business transaction, and lists them."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.ids import new_id

from . import queries
from .types import EventType, patterns_for


async def emit(
    session: AsyncSession, event: EventType, *, tenant_id: str, resource_id: str, data: Mapping[str, Any]
) -> str:
    """Write an event and its deliveries in the running transaction; return its id.

    `data` must already be JSON values in the shape of `event.payload`; it is frozen here: every
    delivery, resend and replay sends these very bytes (seed §4.1: five keys at top level).
    """
    now = clock.now()
    event_id = new_id("wh_evt")
    payload = {
        "id": event_id,
        "type": event.name,
        "created": clock.wire(now),
        "tenant_id": tenant_id,
        "data": data,
    }
    connection = await session.connection()
    await connection.exec_driver_sql(
        queries.EMIT,
        {
            "tenant": tenant_id,
            "id": event_id,
            "type": event.name,
            "resource": resource_id,
            "payload": json.dumps(payload, ensure_ascii=False, separators=(",", ":")),
            "now": now,
            "real_now": clock.real_now(),
            "patterns": patterns_for(event.name),
        },
    )
    return event_id
