"""Wire schemas of the reminders a firm sends."""

from typing import Annotated

from pydantic import AfterValidator, Field

from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema, Schema
from conecta.kit.validation import Refused


def _minutes(values: list[int]) -> list[int]:
    if len(set(values)) < len(values):
        raise Refused("duplicate", Text("Hay valores repetidos.", "There are repeated values."))
    return sorted(values, reverse=True)


Minutes = Annotated[int, Field(ge=15, le=20_160, examples=[1440])]
MinutesBefore = Annotated[list[Minutes], Field(max_length=5), AfterValidator(_minutes)]
WallTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])]


class BookingRemindersUpdate(Schema):
    """What to change of the reminders; what is left out stays."""

    minutes_before: MinutesBefore = Field(default_factory=list)
    """Minutes before the start at which people are reminded: 15 to 20160 (two weeks), at most 5."""
    sms: bool = False
    """Whether to remind by text message too; who has no mail address always gets one."""
    quiet_from: WallTime = "22:00"
    """From when on nobody is reminded, on the recipient's clock."""
    quiet_until: WallTime = "08:00"
    """Until when; equal to `quiet_from`: there are no quiet hours."""


class BookingRemindersRead(ReadSchema):
    """When the firm reminds people of their bookings."""

    minutes_before: list[int]
    """Minutes before the start at which people are reminded, the earliest first."""
    sms: bool
    """Whether by text message too; who has no mail address always gets one."""
    quiet_from: str
    """From when on nobody is reminded, on the recipient's clock."""
    quiet_until: str
    """Until when; equal to `quiet_from`: there are no quiet hours."""
