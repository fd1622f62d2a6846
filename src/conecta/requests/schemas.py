"""Wire schemas of the request log."""

from typing import Annotated, Any, Literal

from pydantic import Field

from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Timestamp


class RequestFilters(PageParams):
    """Parameters of `GET /requests`."""

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"] | None = None
    """HTTP method."""
    status: Annotated[str, Field(pattern=r"^[1-5](\d\d|xx)$", examples=["4xx"])] | None = None
    """Status of the answer, such as `404`, or a whole class, such as `4xx`."""
    path: Annotated[str, Field(max_length=500, examples=["/v1/servicios/cases"])] | None = None
    """How the path begins."""
    error_code: Annotated[str, Field(max_length=60, examples=["validation_failed"])] | None = None
    """`code` of the error."""
    credential_id: (
        Annotated[str, Field(max_length=64, examples=["key_01m7wbgc28efz8dbeq636vqtdj"])] | None
    ) = None
    """Id of the key or grant that was used."""
    request_id: Annotated[str, Field(max_length=100, examples=["req_01m7wbgc28efz8dbeq636vqtdj"])] | None = (
        None
    )
    """`X-Request-ID`; one that you chose yourself may have been used several times."""
    created_after: Timestamp | None = None
    """Came in at this moment or later."""
    created_before: Timestamp | None = None
    """Came in before this moment."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order; newest first unless told."""

    @property
    def least_status(self) -> int | None:
        """The least status wanted."""
        return int(self.status.replace("xx", "00")) if self.status else None

    @property
    def most_status(self) -> int | None:
        """The greatest status wanted."""
        return int(self.status.replace("xx", "99")) if self.status else None


class RequestRead(ReadSchema):
    """One call of the API."""

    request_id: str
    """`X-Request-ID` of its answer."""
    method: str
    """HTTP method."""
    path: str
    """Path that was asked for."""
    query: str | None
    """Query string, masked."""
    route: str | None
    """Path with the names of its parameters; null when there was no such route."""
    status: int
    """Status of the answer; 499 when the caller did not wait for it."""
    duration_ms: float
    """Milliseconds from the first byte that came in to the last that went out."""
    caller_type: Literal["firm", "user", "client", "visitor"]
    """Who called: the firm by a key, a member, a client of the firm, or a visitor of its website."""
    credential_id: str
    """Id of the key or grant that was used."""
    credential_name: str
    """Its name at that time."""
    user_id: str | None
    """The member, when one called."""
    client_id: str | None
    """The client, when one called."""
    address: str | None
    """Network address it came from."""
    user_agent: str | None
    """Program it came from, as it calls itself."""
    error_code: str | None
    """`code` of the error, if it was one."""
    created_at: Timestamp
    """When it came in."""


class RequestDetail(RequestRead):
    """One call with what was sent and refused."""

    request_body: Any
    """JSON that was sent, up to 4 KiB, with secrets, addresses and tax ids masked; null beyond that."""
    error_body: Any
    """The error that was answered, masked the same way."""
