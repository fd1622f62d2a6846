"""One text message to one gateway: Twilio's REST API, and what of its refusals is worth a retry."""

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

WHOLE_SECONDS: Final = 30.0
_ANSWER_BYTES: Final = 64 * 1024
# Beside the faults of the moment: what the gateway holds against us, an operator can mend.
_WORTH_A_RETRY: Final = {401, 402, 403, 404, 408, 409, 425, 429}


class TextRefused(Exception):
    """This message will never be taken: the number does not exist, or may not be written to."""


class TextDelayed(Exception):
    """The gateway is away, busy or at odds with us: the same message may be taken another time."""


@dataclass(frozen=True)
class SmsGateway:
    """A gateway, as a URL names it: `https://account:token@api.twilio.com?from=+34600000000`.

    `from` is a phone number, a sender's name, or the id of a messaging service (`MG…`).
    """

    endpoint: str
    account: str
    token: str
    sender: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read the URL; raise ValueError with what is wrong."""
        parts = urlsplit(url)
        sender = parse_qs(parts.query).get("from", [""])[0].strip()
        # An unescaped + of a query is a blank: a number that begins with it is still a number.
        sender = f"+{sender}" if sender.isdigit() and len(sender) > 6 else sender
        if (
            parts.scheme not in {"https", "http"}
            or not parts.hostname
            or not parts.username
            or not parts.password
            or not sender
        ):
            raise ValueError("write https://account:token@api.twilio.com?from=+34600000000")
        account = unquote(parts.username)
        host = parts.netloc.rpartition("@")[2]
        path = parts.path.rstrip("/") or f"/2010-04-01/Accounts/{account}/Messages.json"
        return cls(f"{parts.scheme}://{host}{path}", account, unquote(parts.password), sender)


class Texter:
    """Sends text messages through one gateway, with a connection of its own for each."""

    def __init__(self, sms_url: str) -> None:
        """Prepare a texter; nothing is opened before a message is sent. Raises ValueError."""
        self._gateway = SmsGateway.parse(sms_url)

    async def send(self, to: str, text: str) -> None:
        """Hand one message to the gateway; raise TextRefused or TextDelayed."""
        import aiohttp

        gateway = self._gateway
        sender = "MessagingServiceSid" if gateway.sender.startswith("MG") else "From"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WHOLE_SECONDS)) as session,
                session.post(
                    gateway.endpoint,
                    data={"To": to, sender: gateway.sender, "Body": text},
                    headers={"Authorization": aiohttp.encode_basic_auth(gateway.account, gateway.token)},
                    allow_redirects=False,
                ) as answer,
            ):
                said = (await answer.content.read(_ANSWER_BYTES)).decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TextDelayed(str(error)[:500] or type(error).__name__) from error
        if 200 <= answer.status < 300:
            return
        shown = " ".join(f"{answer.status} {said}".split())[:500]
        if 400 <= answer.status < 500 and answer.status not in _WORTH_A_RETRY:
            raise TextRefused(shown)
        raise TextDelayed(shown)
