"""Wire schemas of a client's access."""

from typing import Literal

from conecta.kit.schemas import ReadSchema, Timestamp


class AccessRead(ReadSchema):
    """Whether a client of the firm may sign in, and when they last did."""

    client_id: str
    """`cli_…`."""
    status: Literal["none", "invited", "active", "revoked"]
    """`none`: never invited; `invited`: a link was mailed; `active`: has signed in; `revoked`: shut out."""
    can_sign_in: bool
    """Whether they can sign in now: also the firm's `client_access` and the client's own state decide."""
    sign_in_url: str
    """Where clients of the firm ask for a link to sign in."""
    invited_at: Timestamp | None
    """When they were last invited."""
    last_signed_in_at: Timestamp | None
    """When they last signed in."""
    revoked_at: Timestamp | None
    """When their access was revoked."""
