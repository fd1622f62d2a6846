"""Wire schemas of plans and usage."""

from conecta.kit.schemas import ReadSchema, Timestamp


class UsageWindow(ReadSchema):
    """One window of the limits."""

    limit: int
    """Requests the plan allows in the window."""
    used: int
    """Requests charged so far; 304, 429 and our own 5xx are free."""
    remaining: int
    """Requests left."""
    resets_at: Timestamp
    """When the window starts anew."""


class UsageRead(ReadSchema):
    """How much of its limits the firm has used."""

    tenant_id: str
    """The firm, or its sandbox, whose requests these are."""
    plan: str
    """`free`, `professional` or `enterprise`."""
    minute: UsageWindow
    """The clock minute."""
    day: UsageWindow
    """The UTC day."""
