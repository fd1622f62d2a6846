"""What a member of the firm may do by their role: the most that their token or session carries."""

from collections.abc import Mapping

from .scopes import SEED_SCOPES, Scope

_EVERYTHING = frozenset(Scope)
# Webhooks send the whole firm's events somewhere else: that is for whoever answers for the firm.
_DAILY_WORK = frozenset(SEED_SCOPES) - {Scope.WEBHOOKS}

SCOPES_OF_ROLE: Mapping[str, frozenset[Scope]] = {
    "owner": _EVERYTHING,
    "admin": _EVERYTHING,
    "provider": _DAILY_WORK,
    "assistant": _DAILY_WORK,
}

# What a client of the firm may be granted at most; the policies then show them their own rows only.
SCOPES_OF_CLIENT = frozenset(
    {
        Scope.CASES_READ,
        Scope.CLIENTS_READ,
        Scope.BOOKINGS_READ,
        Scope.BOOKINGS_WRITE,
        Scope.INVOICES_READ,
        Scope.DOCUMENTS_READ,
        Scope.DOCUMENTS_WRITE,
    }
)
