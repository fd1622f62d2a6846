"""Holding back who tries too often: an account, and an address that tries many accounts."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from conecta.kit.crypto import KeyRing
from conecta.kit.rate_limit import Charge, Limits, RateLimitStore, neighbourhood
from conecta.kit.request_context import origin
from conecta.people.errors import TooManyAttempts

# Guesses at one account, from wherever; a new password starts the count anew.
OF_ACCOUNT = Limits(5, 100)
# Mailed links that one address book entry may be sent.
OF_MAILS = Limits(3, 10)
# Codes that may be tried by somebody who knows the password.
OF_CODES = Limits(5, 50)
_DAILY = 50  # times the minute's: an address may fail all day long, slowly


@dataclass(frozen=True)
class Charged:
    """The tries that were charged; a successful one gives them back."""

    limits: RateLimitStore
    charges: Sequence[Charge]

    @property
    def last_allowed(self) -> bool:
        """Whether the next try at the account would be held back."""
        charge = self.charges[-1]
        return charge.minute_used >= charge.limits.per_minute or charge.day_used >= charge.limits.per_day

    async def give_back(self) -> None:
        """Count nothing after all."""
        for charge in self.charges:
            await self.limits.refund(charge)


def account_subject(keyring: KeyRing, kind: str, *parts: str) -> str:
    """Return what an account's tries are counted under: no address book can be read from the counters."""
    return f"{kind}:{keyring.hashes('throttled accounts', ' '.join(parts))[0].hex()[:40]}"


async def charge(
    limits: RateLimitStore,
    *,
    address_per_minute: int,
    subject: str | None = None,
    bounds: Limits = OF_ACCOUNT,
    kind: str = "sign-in-address",
) -> Charged:
    """Charge a try to the address it comes from, and to an account if one is named; raise TooManyAttempts.

    `kind` is what an address is counted for.

    A try that the account's throttle holds back does not count against the address: else one account that
    somebody keeps trying would keep everybody else of that office out.
    """
    address_bounds = Limits(address_per_minute, address_per_minute * _DAILY)
    of_address = await limits.charge(f"{kind}:{_address()}", address_bounds)
    if not of_address.allowed:
        raise TooManyAttempts(of_address.retry_after(int(time.time())))
    if subject is None:
        return Charged(limits, [of_address])
    of_account = await limits.charge(subject, bounds)
    if not of_account.allowed:
        await limits.refund(of_address)
        raise TooManyAttempts(of_account.retry_after(int(time.time())))
    return Charged(limits, [of_address, of_account])


def _address() -> str:
    return neighbourhood(origin().address or "unknown")
