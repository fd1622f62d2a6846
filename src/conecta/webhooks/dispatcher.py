"""The loop that delivers webhooks: claim what is due, send it, record what came of it.

Several workers may run. Each holds a claim only for as long as its lease; a worker that dies lets everything
come due again. Each endpoint has a lane of its own in a worker, so that a slow one holds up nobody else.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import psycopg
import structlog
from prometheus_client import Counter, Gauge, Histogram

from conecta.kit import background, clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.outbound_http import OutboundClient
from conecta.settings import Settings

from . import delivery_queries as queries
from . import rules
from .delivery import Claim, Courier, Result, Secrets, outcome
from .notices import Herald
from .recorder import Recorder

CHANNEL: Final = "conecta_deliveries"
IN_FLIGHT: Final = 500
# A lane opens with few posts at a time and widens with each success; an ailing one is narrow.
START: Final = 5
SLOW: Final = 2
LANES_KEPT: Final = 500

POLL_SECONDS: Final = 3.0
RECHECK_SECONDS: Final = 0.05
SPACING_SECONDS: Final = 0.005
WATCH_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 0.5
GRACE_SECONDS: Final = 5.0
SHORTEST_LEASE_SECONDS: Final = 10.0

_ATTEMPTS = Counter("conecta_webhook_attempts_total", "Webhook attempts by what became of them", ["outcome"])
_SECONDS = Histogram(
    "conecta_webhook_attempt_seconds",
    "Time a webhook attempt took",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30),
)
_OLDEST_DUE = Gauge(
    "conecta_webhook_oldest_due_seconds",
    "How long the longest-waiting due delivery has been waiting for a worker",
    multiprocess_mode="livemax",
)

log = structlog.get_logger()


class Lane:
    """What this worker holds for one endpoint, and how many posts to it may run at a time.

    The limit moves as TCP's window does: a success adds one, a failure halves. So an endpoint that stops
    answering soon holds hardly any of the worker's room.
    """

    __slots__ = ("endpoint_id", "limit", "maybe_more", "running", "top", "waiting")

    def __init__(self, endpoint_id: str) -> None:
        self.endpoint_id = endpoint_id
        self.top = self.limit = START
        self.running = 0
        self.waiting: deque[Claim] = deque()
        self.maybe_more = False

    @property
    def held(self) -> int:
        """Return how many claims are here."""
        return self.running + len(self.waiting)

    @property
    def room(self) -> int:
        """Return how many more claims are welcome; a proven lane keeps as many in reserve as it sends."""
        wanted = 2 * self.limit if self.limit > START else self.limit
        return max(0, wanted - self.held)

    @property
    def hungry(self) -> bool:
        """Say whether it is time to claim more: not for each single place that becomes free."""
        return self.maybe_more and len(self.waiting) <= self.limit // 2

    def bound(self, top: int) -> None:
        """Set the greatest limit."""
        self.top = top
        self.limit = min(self.limit, top)

    def learn(self, *, ok: bool) -> None:
        """Widen after a success, narrow after a failure."""
        self.limit = min(self.top, self.limit + 1) if ok else min(self.top, max(SLOW, self.limit // 2))


class Dispatcher:
    """One worker's deliveries; `run` until cancelled."""

    def __init__(
        self, settings: Settings, database: Database, keyring: KeyRing, *, in_flight: int = IN_FLIGHT
    ) -> None:
        """Prepare a dispatcher; nothing is opened before it runs.

        Args:
            settings: schedule, timeout, concurrency and what may be dialled.
            database: an open database.
            keyring: opens the signing secrets.
            in_flight: claims this worker may hold at a time, unrecorded results included.
        """
        self._settings, self._database = settings, database
        self._secrets = Secrets(keyring)
        self._in_flight = in_flight
        # A claim may wait in its lane for as long as its lease still leaves time for two whole posts.
        self._lease = timedelta(seconds=max(SHORTEST_LEASE_SECONDS, 4 * settings.webhook_timeout_seconds))
        self._least_left = timedelta(seconds=2 * settings.webhook_timeout_seconds)
        self._lanes: OrderedDict[str, Lane] = OrderedDict()
        self._posts: dict[asyncio.Task[None], Claim] = {}
        self._waiting = 0
        self._wake = asyncio.Event()
        self._parking = asyncio.Event()
        self._capped = False
        self._stopping = False
        herald = Herald(keyring, settings.base_url)
        self._recorder = Recorder(database, herald=herald, recorded=self._look_ahead, closed=self._empty_lane)

    async def run(self) -> None:
        """Deliver until cancelled; then let running posts end for some seconds and give back the rest."""
        policy = rules.outbound_policy(self._settings)
        # Lanes and the cap bound the connections. A bound in the client would let posts wait for one
        # until their time is over, whenever many endpoints share a host.
        async with OutboundClient(policy, limit=0, limit_per_host=0) as client:
            self._courier = Courier(client, self._secrets, self._settings.webhook_retry_seconds)
            steps = (self._claim_and_wait, self._recorder.run, self._listen, self._watch)
            repeated = [
                background.repeat(step, name="webhooks", until=lambda: self._stopping) for step in steps
            ]
            claiming, recording, *helpers = map(asyncio.create_task, repeated)
            try:
                await asyncio.shield(claiming)
            finally:
                self._stopping = True
                self._wake.set()
                await background.stop(*helpers)
                await self._wind_up(claiming, recording)

    async def _claim_and_wait(self) -> None:
        self._wake.clear()
        started = time.monotonic()
        pause = await self._claim()
        # Wake-up calls of the next milliseconds share one claim; and when thousands of endpoints wait
        # for their retries, which makes a claim slow, claiming may not keep the database busy.
        await asyncio.sleep(max(SPACING_SECONDS, time.monotonic() - started))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _claim(self) -> float:
        """Claim once; return after how many seconds to look again if nobody wakes us."""
        free = self._in_flight - self._waiting - len(self._posts) - self._recorder.backlog
        if free <= 0:
            self._capped = True
            return POLL_SECONDS
        busy = {lane.endpoint_id: min(lane.room, free) for lane in self._lanes.values()}
        room = queries.Room(free, min(START, self._settings.webhook_endpoint_concurrency), SLOW, busy)
        now = clock.real_now()
        found = await queries.claim(self._database, room, now=now, lease=self._lease)
        self._capped = len(found.claims) >= free
        self._accept(found.claims)
        if found.claims:
            return RECHECK_SECONDS
        if found.next_due_at is None:
            return POLL_SECONDS
        return min(POLL_SECONDS, max(0.0, (found.next_due_at - clock.real_now()).total_seconds()))

    def _accept(self, claims: Sequence[Claim]) -> None:
        by_endpoint: dict[str, list[Claim]] = {}
        for claim in claims:
            by_endpoint.setdefault(claim.endpoint_id, []).append(claim)
        for endpoint_id, of_one in by_endpoint.items():
            lane = self._lane(endpoint_id)
            lane.bound(self._settings.webhook_endpoint_concurrency if of_one[0].healthy else SLOW)
            lane.waiting.extend(of_one)
            lane.maybe_more = len(of_one) >= of_one[0].room
            self._waiting += len(of_one)
            self._send_from(lane)

    def _lane(self, endpoint_id: str) -> Lane:
        lane = self._lanes.get(endpoint_id)
        if lane is None:
            lane = self._lanes[endpoint_id] = Lane(endpoint_id)
            if len(self._lanes) > LANES_KEPT:
                idle = next(
                    (key for key, old in self._lanes.items() if not old.held and old is not lane), None
                )
                if idle is not None:
                    del self._lanes[idle]
        self._lanes.move_to_end(endpoint_id)
        return lane

    def _send_from(self, lane: Lane) -> None:
        while lane.waiting and lane.running < lane.limit and not self._stopping:
            claim = lane.waiting.popleft()
            self._waiting -= 1
            if claim.lease_until - clock.real_now() < self._least_left:
                continue  # Too late to send it safely: it comes due again by itself.
            lane.running += 1
            post = asyncio.create_task(self._deliver(lane, claim))
            self._posts[post] = claim
            post.add_done_callback(self._posts.pop)

    async def _deliver(self, lane: Lane, claim: Claim) -> None:
        try:
            result = await self._courier.attempt(claim)
            lane.learn(ok=result.answer.ok)
            self._recorder.add(result)
            if result.answer.gone:
                self._empty_lane(claim.endpoint_id)
            _ATTEMPTS.labels(outcome(result)).inc()
            _SECONDS.observe(result.duration_ms / 1000)
        finally:
            lane.running -= 1
        self._send_from(lane)
        if lane.hungry or self._capped:
            self._wake.set()

    def _look_ahead(self, recorded: Sequence[Result]) -> None:
        """After a record there is room again, and some retries may be due before the next look."""
        if self._capped:
            self._wake.set()
        retry = min((result.due_at for result in recorded if result.due_at), default=None)
        if retry is not None:
            delay = (retry - clock.real_now()).total_seconds()
            if delay < POLL_SECONDS:
                asyncio.get_running_loop().call_later(max(0.0, delay), self._wake.set)

    def _empty_lane(self, endpoint_id: str) -> None:
        """Forget what waits for an endpoint that was disabled or deleted, and have all of it parked."""
        lane = self._lanes.get(endpoint_id)
        if lane is not None:
            self._waiting -= len(lane.waiting)
            lane.waiting.clear()
        self._parking.set()

    async def _listen(self) -> None:
        await self._database.listen(CHANNEL, self._wake, name="conecta-webhooks")

    async def _watch(self) -> None:
        """Measure how late we are, and park what belongs to disabled endpoints."""
        oldest = await queries.oldest_due(self._database, now=clock.real_now())
        _OLDEST_DUE.set((clock.real_now() - oldest).total_seconds() if oldest else 0)
        self._parking.clear()
        left = True
        while left:
            left = await queries.park(self._database) > 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WATCH_SECONDS):
                await self._parking.wait()

    async def _wind_up(self, claiming: asyncio.Task[None], recording: asyncio.Task[None]) -> None:
        """Let posts end, record what they brought, and give back whatever was not sent."""
        # A claim under way is not interrupted: Postgres may have made it already.
        await asyncio.wait([claiming], timeout=GRACE_SECONDS)
        unsent = [claim for lane in self._lanes.values() for claim in lane.waiting]
        if self._posts:
            await asyncio.wait(self._posts, timeout=GRACE_SECONDS)
        unsent += self._posts.values()
        posts = list(self._posts)
        await background.stop(*posts)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS):
                await self._recorder.drain()
        await background.stop(claiming, recording)
        if unsent:
            await self._give_back(unsent)

    async def _give_back(self, unsent: Sequence[Claim]) -> None:
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await queries.release(self._database, unsent, now=clock.real_now())
        except (psycopg.Error, TimeoutError, OSError) as error:
            log.warning("webhook_claims_left_to_their_leases", error=str(error))
