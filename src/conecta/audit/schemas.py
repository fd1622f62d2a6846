"""Wire schemas of the audit log."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Timestamp
from conecta.kit.validation import Refused, suggestion

from .actions import ACTIONS

ActorType = Literal["user", "firm", "client", "person", "operator", "system"]


def _known(value: str) -> str:
    group = value.removesuffix("*")
    if value in ACTIONS or (group.endswith(".") and any(name.startswith(group) for name in ACTIONS)):
        return value
    hint = suggestion(value, list(ACTIONS))
    raise Refused(
        "unknown_action",
        Text(f"No existe ese acto. {hint.es}".strip(), f"There is no such act. {hint.en}".strip()),
    )


ActionPattern = Annotated[str, Field(max_length=60, examples=["api_key.*"]), AfterValidator(_known)]


class AuditFilters(PageParams):
    """Parameters of `GET /audit-log`."""

    action: ActionPattern | None = None
    """One act, or a group of them such as `api_key.*`."""
    actor_id: Annotated[str, Field(max_length=64, examples=["usr_01m7wbgc28efz8dbeq636vqtdj"])] | None = None
    """Id of whoever did it: a member, a key, a client."""
    target: Annotated[str, Field(max_length=64, examples=["key_01m7wbgc28efz8dbeq636vqtdj"])] | None = None
    """Id of what it was done to."""
    created_after: Timestamp | None = None
    """Done at this moment or later."""
    created_before: Timestamp | None = None
    """Done before this moment."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; newest first unless told."""


class AuditEntryRead(ReadSchema):
    """Who did what, from where."""

    id: str
    """`aud_…`."""
    action: str
    """What was done, for programs."""
    description: str
    """The same for people, in the language of the request."""
    actor_type: ActorType
    """`user` is a member, `firm` a key of the firm, `person` somebody before they act in a firm."""
    actor_id: str | None
    """Their id; null for the operator and for ourselves."""
    actor_name: str
    """Their name at that time."""
    target: str | None
    """Id of what it was done to."""
    details: dict[str, Any]
    """What else is known of it; which members there are depends on the act."""
    address: str | None
    """Network address it came from."""
    user_agent: str | None
    """Program it came from, as it calls itself."""
    created_at: Timestamp
    """When, in real time, also in the sandbox."""
