"""What visitors may write, and how often; no SQL, no HTTP."""

from conecta.kit.language import Text
from conecta.kit.mail import one_line
from conecta.kit.rate_limit import Limits
from conecta.kit.validation import Refused

# How much one address may write to one firm; and, on our own pages, without a proof: there the few people
# whose browsers run no scripts, of one address and of a firm all together.
WRITES_OF_ONE_PLACE = Limits(10, 60)
UNPROVEN_OF_ONE_PLACE = Limits(1, 3)
UNPROVEN_OF_ALL = Limits(2, 20)
# How many pages of a firm one address may look at.
PAGES_OF_ONE_PLACE = Limits(120, 5_000)
# How often anybody may have one person written to, by all firms together: who books says whose address it is.
BOOKINGS_FOR_ONE_PERSON = Limits(4, 10)

_ADVERTISING = ("://", "www.")


def visitor_name(value: str) -> str:
    """Return a name in one line; raise Refused when nothing of it can be seen, or when it is an address.

    It stands in mails that go to whatever address its author gave: nobody shall advertise by our mail.
    """
    name = one_line(value)
    if not name:
        raise Refused("too_short", Text("Escribe un nombre.", "Write a name."))
    if any(sign in name.casefold() for sign in _ADVERTISING):
        raise Refused("not_a_name", Text("Un nombre no lleva webs.", "A name has no web addresses."))
    return name
