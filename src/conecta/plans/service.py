"""Which plans there are, and how much of its plan a firm has used."""

from datetime import UTC, datetime
from typing import Any

from conecta.auth.caller import Caller
from conecta.kit import clock
from conecta.kit.rate_limit import DAY, MINUTE, RateLimitStore


async def usage(limits: RateLimitStore, *, caller: Caller) -> dict[str, Any]:
    """Return both windows of the caller's firm as the API shows them."""
    charge = await limits.peek(caller.tenant_id, caller.limits)
    return {
        "tenant_id": caller.tenant_id,
        "plan": caller.plan,
        "minute": _window(caller.limits.per_minute, charge.minute_used, charge.minute_start + MINUTE),
        "day": _window(caller.limits.per_day, charge.day_used, charge.day_start + DAY),
    }


def _window(limit: int, used: int, reset: int) -> dict[str, Any]:
    resets_at = clock.wire(datetime.fromtimestamp(reset, UTC))
    return {"limit": limit, "used": used, "remaining": max(0, limit - used), "resets_at": resets_at}
