"""Who of a firm's clients may sign in, by the firm's rule and the state of their login; no SQL, no HTTP."""

from datetime import timedelta

from conecta.kit.rate_limit import Limits

STATUSES = ("invited", "active", "revoked")

INVITATION_LIFETIME = timedelta(days=7)
SIGN_IN_LIFETIME = timedelta(minutes=15)

# How many links may be asked for, whoever asks, and passkeys be tried: a minute and a day.
LINKS_FROM_ONE_PLACE = Limits(10, 200)
LINKS_TO_ONE_ADDRESS = Limits(3, 30)
PASSKEYS_FROM_ONE_PLACE = Limits(20, 400)

# A shared address (an adviser's, say) may stand for many clients; one mail lists so many of them at most.
CLIENTS_IN_ONE_MAIL = 20


def may_sign_in(rule: str, status: str) -> bool:
    """Say whether a client may sign in; `status` is `none` for one who has no login yet.

    Whoever lost their access gets it back by an invitation only, whatever the firm's rule.
    """
    if rule == "off" or status == "revoked":
        return False
    return status in {"invited", "active"} or rule == "self_service"
