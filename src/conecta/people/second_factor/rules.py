"""Codes of authenticator apps (RFC 6238) and recovery codes. Pure."""

import re
import secrets
from collections.abc import Iterable

import pyotp

STEP_SECONDS = 30
# The step of now, and its neighbours: clocks of phones differ.
_NEAR = (0, -1, 1)
_ISSUER = "ServiciosConecta"

RECOVERY_CODES = 10
_HALF = 5
# No letter that looks like another, or like a digit.
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_TOTP_FORM = re.compile(r"[0-9]{6}\Z")
_RECOVERY_FORM = re.compile(rf"[{_LETTERS}]{{{2 * _HALF}}}\Z")


def new_secret() -> str:
    """Return a new shared secret, 160 bits in base32."""
    return pyotp.random_base32()


def address(secret: str, account: str) -> str:
    """Return the `otpauth:` address that an authenticator app reads from the QR code."""
    return str(pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=_ISSUER))


def step_of(secret: str, code: str, now: float) -> int | None:
    """Return the time step whose code this is, near to now; None when it is none of them."""
    digits = re.sub(r"\s", "", code[:20])
    if not _TOTP_FORM.match(digits):
        return None
    generator, current = pyotp.HOTP(secret), int(now) // STEP_SECONDS
    fitting: Iterable[int] = [
        step
        for step in (current + offset for offset in _NEAR)
        if secrets.compare_digest(generator.at(step), digits)
    ]
    return next(iter(fitting), None)


def new_recovery_code() -> str:
    """Return a new recovery code, 49 bits in two groups that people can write down."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(2 * _HALF))
    return f"{letters[:_HALF]}-{letters[_HALF:]}"


def as_recovery_code(code: str) -> str | None:
    """Return what somebody typed in the form of a recovery code, None when it can be none."""
    letters = re.sub(r"[\s-]", "", code[:40]).lower()
    return letters if _RECOVERY_FORM.match(letters) else None
