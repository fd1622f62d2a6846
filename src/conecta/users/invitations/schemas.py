"""Wire schemas of invitations."""

from typing import Annotated, Literal

from pydantic import EmailStr, Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp
from conecta.users.schemas import Name, Role

Status = Literal["pending", "accepted", "revoked", "expired"]


class InvitationCreate(Schema):
    """Somebody to invite to the firm."""

    name: Name
    """Full name; they may correct it when they accept."""
    email: Annotated[EmailStr, Field(max_length=254, examples=["luis@example.com"])]
    """Address the link is mailed to, and that they will sign in with."""
    role: Role = "provider"
    """`owner`, `admin`, `provider` (lawyer, adviser) or `assistant`."""


class InvitationRead(ReadSchema):
    """An invitation; the link is in the mail alone."""

    id: str
    """`ivt_…`."""
    name: str
    """Full name."""
    email: str
    """Address the link was mailed to."""
    role: Role
    """Role they will have."""
    status: Status
    """`pending` until it is accepted, revoked, or seven days have passed."""
    invited_by: str | None
    """`usr_…` or `key_…` of whoever invited them."""
    user_id: str | None
    """The member they became."""
    expires_at: Timestamp
    """When the link stops working."""
    accepted_at: Timestamp | None
    """When they accepted."""
    revoked_at: Timestamp | None
    """When it was taken back, or replaced by a newer one to the same address."""
    created_at: Timestamp
    """When they were invited."""


class InvitationFilters(PageParams):
    """Filters of `GET /invitations`."""

    status: Status | None = None
    """Only those in this state."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order: newest first unless told."""
