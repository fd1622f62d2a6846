"""Wire schemas of users."""

from typing import Annotated, Literal

from pydantic import EmailStr, Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp

Role = Literal["owner", "admin", "provider", "assistant"]


Name = Annotated[str, Field(min_length=1, max_length=200, examples=["Luis Pla Roig"])]


class UserCreate(Schema):
    """A member to add to the firm."""

    name: Name
    """Full name."""
    email: Annotated[EmailStr, Field(max_length=254, examples=["luis@example.com"])]
    """Address they will sign in with; the same person may belong to several firms."""
    role: Role = "provider"
    """`owner`, `admin`, `provider` (lawyer, adviser) or `assistant`."""


class UserUpdate(Schema):
    """Changes to a member; what is absent stays."""

    name: Name | None = None
    """Full name."""
    role: Role | None = None
    """New role."""
    active: bool | None = None
    """False when they leave; their cases and notes keep their name."""


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
