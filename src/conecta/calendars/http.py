"""The HTTP client that calendars are reached by: time limits, retries, and one account's tokens."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self
from urllib.parse import urlsplit

import aiohttp

from conecta.kit import clock

from .provider import Answer, CalendarProvider, Json, NotAuthorized, ProviderDelays, ProviderFailure, Tokens

_TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=10)
_TRIES: Final = 3
# A worker waits this long itself; what takes longer comes back to it later.
_LONGEST_WAIT: Final = 3.0
_LARGEST: Final = 16 * 1024 * 1024
# Renewed a little before it ends, since a request takes time.
_EARLY: Final = timedelta(seconds=60)
_RATE_REASONS: Final = {
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
    "calendarUsageLimitsExceeded",
}


class Http:
    """Requests without any account; one a worker or a page, closed by who opened it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(self, method: str, url: str, **more: Any) -> Answer:
        """Send a request, again when that may help, and return the last answer; raise ProviderDelays."""
        for attempt in range(_TRIES):
            wait: float | None = None
            try:
                answer, wait = await self._once(method, url, **more)
            except (aiohttp.ClientError, TimeoutError) as error:
                failure = ProviderDelays(f"The provider cannot be reached: {type(error).__name__}.")
            else:
                if not _is_passing(answer):
                    return answer
                failure = ProviderDelays(
                    f"The provider answers {answer.status} for now.", status=answer.status, seconds=wait
                )
            # A little at random, so that those who were sent away together do not come back together.
            pause = wait if wait is not None else 0.2 * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311
            if attempt == _TRIES - 1 or pause > _LONGEST_WAIT:
                raise failure
            await asyncio.sleep(pause)
        raise AssertionError("The last try returns or raises.")

    async def _once(self, method: str, url: str, **more: Any) -> tuple[Answer, float | None]:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=True)
        async with self._session.request(method, url, allow_redirects=False, **more) as response:
            raw = await response.content.read(_LARGEST + 1)
            while len(raw) <= _LARGEST and (piece := await response.content.read(_LARGEST)):
                raw += piece
            if len(raw) > _LARGEST:
                raise ProviderFailure("The provider's answer is too large.")
            return Answer(response.status, _json(raw)), _retry_after(response.headers.get("Retry-After"))


class AccountApi:
    """Requests in the name of one account; a token that has had its time is renewed, and kept by `keep`."""

    def __init__(
        self,
        http: Http,
        provider: CalendarProvider,
        tokens: Tokens,
        keep: Callable[[Tokens], Awaitable[None]],
    ) -> None:
        self._http, self._provider, self._tokens, self._keep = http, provider, tokens, keep
        self._home = urlsplit(provider.client.api_url)[:2]

    async def call(
        self,
        method: str,
        url: str,
        *,
        params: Json | None = None,
        body: Json | None = None,
        headers: Json | None = None,
        allow: Sequence[int] = (),
    ) -> Answer:
        """Send a request; raise ProviderFailure unless it succeeds or its status is one of `allow`."""
        url = url if url.startswith("http") else self._provider.client.api_url + url
        if urlsplit(url)[:2] != self._home:
            # A link out of an answer must not carry the token elsewhere.
            raise ProviderFailure("The provider sent a link to another server.")
        more: Json = {"params": params} if params else {}
        if body is not None:
            more["json"] = body
        if clock.real_now() >= self._tokens.expires_at - _EARLY:
            await self._renew()
        answer = await self._send(method, url, headers, more)
        if answer.status == 401:
            await self._renew()
            answer = await self._send(method, url, headers, more)
        if answer.status == 401:
            raise NotAuthorized("The account no longer lets us in.", status=401)
        if answer.status >= 300 and answer.status not in allow:
            raise ProviderFailure(
                f"The provider answers {answer.status}: {_reason(answer.body)}", status=answer.status
            )
        return answer

    async def revoke(self) -> None:
        """Give the access back, where the provider takes it: all that the account's owner gave to us."""
        url = self._provider.client.revoke_url
        if url is not None:
            form = {"token": self._tokens.refresh or self._tokens.access}
            answer = await self._http.send("POST", url, data=form)
            if answer.status != 200:
                raise ProviderFailure(f"The provider answers {answer.status}: {_reason(answer.body)}")

    async def _send(self, method: str, url: str, headers: Json | None, more: Json) -> Answer:
        signed = {"Authorization": f"Bearer {self._tokens.access}", **(headers or {})}
        return await self._http.send(method, url, headers=signed, **more)

    async def _renew(self) -> None:
        if self._tokens.refresh is None:
            raise NotAuthorized("The account gave no lasting access.")
        form = {"grant_type": "refresh_token", "refresh_token": self._tokens.refresh}
        self._tokens = await fetch_tokens(self._http, self._provider, form, former=self._tokens.refresh)
        await self._keep(self._tokens)


async def fetch_tokens(
    http: Http, provider: CalendarProvider, form: dict[str, str], *, former: str | None = None
) -> Tokens:
    """Ask the token endpoint; raise NotAuthorized when it refuses for good, or gives less than is needed.

    `former` is the refresh token that stays when the provider gives no new one.
    """
    client = provider.client
    asked = {"client_id": client.id, "client_secret": client.secret, **form}
    answer = await http.send("POST", client.token_url, data=asked)
    if answer.status != 200 or "access_token" not in answer.body:
        error = str(answer.body.get("error", answer.status))
        if provider.refused(error):
            raise NotAuthorized(f"The account refuses the access: {error}.")
        raise ProviderFailure(f"The provider gives no access: {error}.", status=answer.status)
    granted = answer.body.get("scope")
    if granted is not None and not set(provider.needs) <= set(str(granted).split()):
        raise NotAuthorized("The account gives less access than is needed.")
    lasts = timedelta(seconds=int(answer.body.get("expires_in", 3600)))
    refresh = answer.body.get("refresh_token") or former
    return Tokens(answer.body["access_token"], refresh, clock.real_now() + lasts)


def _is_passing(answer: Answer) -> bool:
    if answer.status == 403:
        # Google says so when somebody asks too often.
        error = answer.body.get("error")
        reasons = error.get("errors", []) if isinstance(error, dict) else []
        return any(reason.get("reason") in _RATE_REASONS for reason in reasons)
    return answer.status in {408, 425, 429} or answer.status >= 500


def _retry_after(value: str | None) -> float | None:
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - clock.real_now()).total_seconds())
    except (ValueError, TypeError):
        return None


def _json(raw: bytes) -> Json:
    try:
        found = json.loads(raw) if raw else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _reason(body: Json) -> str:
    error = body.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "")[:200]
    return str(error or "")[:200]
