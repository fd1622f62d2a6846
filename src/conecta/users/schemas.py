"""Wire schemas of users."""

from typing import Literal

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Timestamp

Role = Literal["owner", "admin", "provider", "assistant"]


class UserRead(ReadSchema):
    """A member of the firm."""

    id: str
    """`usr_…`; what `assigned_provider_id` takes."""
    name: str
    """Full name."""
    email: str
    """Address they sign in with."""
    role: Role
    """`owner`, `admin`, `provider` (lawyer, adviser) or `assistant`."""
    active: bool
    """Whether they still work here."""
    created_at: Timestamp
    """When they joined."""
    updated_at: Timestamp
    """When the membership last changed."""


class UserFilters(PageParams):
    """Filters of `GET /users`."""

    role: Role | None = None
    """Only this role; `provider` lists who may be assigned to cases besides owners and admins."""
    active: bool | None = None
    """Only members who still work here, or only former ones."""
    sort: Literal["created_at", "-created_at"] = "created_at"
    """Order."""
