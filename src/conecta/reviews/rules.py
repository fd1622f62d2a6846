"""The states of a review; no SQL, no HTTP."""

from datetime import timedelta

STATUSES = ("requested", "pending", "published", "rejected")

LINK_LIFETIME = timedelta(days=60)

# Of what a review may be asked about: only what is over.
FINISHED_CASE = {"closed", "archived"}
FINISHED_BOOKING = {"completed"}


def shown_name(name: str) -> str:
    """Return how the world may see a client's name: the first word, and the initial of the second."""
    first, *rest = name.split()[:2] or ["—"]
    return f"{first} {rest[0][0]}." if rest else first
