"""When a firm reminds people of their bookings: read and changed."""

import json

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.auth.caller import Caller
from conecta.kit.db import Reads
from conecta.kit.etags import Precondition

from . import queries
from .models import BookingReminderRules
from .schemas import BookingRemindersUpdate
from .told import ReminderRules


async def read_rules(reads: Reads, *, tenant_id: str) -> tuple[str, int]:
    """Return the firm's rules as JSON text and version; 0 is that of a firm that never changed them."""
    rules, version = await queries.rules(reads, tenant_id)
    return _json(rules), version


async def update_rules(
    session: AsyncSession, *, caller: Caller, wanted: BookingRemindersUpdate, precondition: Precondition
) -> tuple[str, int]:
    """Change the firm's rules; return them as JSON text and version. Raises PreconditionFailed."""
    row = await queries.rules_for_change(session, caller.tenant_id)
    if row is None:
        precondition.check(0)
        usual = ReminderRules()
        row = BookingReminderRules(
            tenant_id=caller.tenant_id,
            minutes_before=list(usual.minutes_before),
            sms=usual.sms,
            quiet_from=usual.quiet_from,
            quiet_until=usual.quiet_until,
        )
        session.add(row)
    else:
        precondition.check(row.version)
    for name, value in wanted.model_dump(exclude_unset=True).items():
        setattr(row, name, _minute(value) if name.startswith("quiet") else value)
    await session.flush()
    rules = ReminderRules(row.minutes_before, row.sms, row.quiet_from, row.quiet_until)
    return _json(rules), row.version


def _json(rules: ReminderRules) -> str:
    return json.dumps(
        {
            "minutes_before": sorted(rules.minutes_before, reverse=True),
            "sms": rules.sms,
            "quiet_from": _wall(rules.quiet_from),
            "quiet_until": _wall(rules.quiet_until),
        }
    )


def _minute(wall: str) -> int:
    hours, _, minutes = wall.partition(":")
    return int(hours) * 60 + int(minutes)


def _wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
