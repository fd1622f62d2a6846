"""Wire schemas of links to bookings."""

from conecta.kit.schemas import ReadSchema, Timestamp


class BookingLinkRead(ReadSchema):
    """A link of one attendee; this is the only time it is shown."""

    attendee_id: str
    """`att_…`: who it is for."""
    name: str
    """Their name."""
    url: str
    """Where they see the booking, without an account.

    Whom it was made for, the first one, confirms, moves and cancels it there; others say whether they come.
    """
    expires_at: Timestamp
    """Until when it works."""


class BookingLinks(ReadSchema):
    """New links to a booking, one for each attendee."""

    data: list[BookingLinkRead]
    """The links."""
