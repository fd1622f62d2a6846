"""Availability: free slots, free ranges, and the one place where a wish is checked against every rule."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from conecta.kit import clock
from conecta.kit.db import Reads
from conecta.kit.errors import FieldError, InvalidParameter, ValidationFailed
from conecta.kit.language import Text

from . import calendar_queries, loading, refusing, writing
from .asking import LONGEST
from .engine.assignment import choose
from .engine.explain import Reason, reasons
from .engine.facts import Offer
from .engine.free import free_ranges
from .engine.slots import Sweep
from .errors import DurationNotOffered, HostNotAvailable, NotOffered, RoomNotAvailable, SeatFull, SlotTaken
from .loading import Asked, Setup, moment
from .terms import Place, ServiceFacts, Slot, SlotDays, SlotQuery, Wish

__all__ = [
    "NotOffered",
    "Place",
    "SeatFull",
    "ServiceFacts",
    "Slot",
    "SlotDays",
    "SlotQuery",
    "SlotTaken",
    "Wish",
    "next_free",
    "place",
    "slots",
]

# How the free time of a provider is cut when no service says so.
FREE_MINUTES = 30
# How far ahead the next free slots are looked for, step by step.
_AHEAD = (timedelta(days=7), timedelta(days=62))
_HOUR = timedelta(hours=1)


async def place(reads: Reads, *, tenant_id: str, wish: Wish, now: datetime, time_zone: str) -> Place:
    """Check a wish against every rule and find hosts and room, inside the caller's transaction.

    `time_zone` is the firm's, for hosts without any schedule. Raises SlotTaken and SeatFull (409) with the
    next free slots, NotOffered (422), and ValidationFailed for an unknown service, provider or room.
    """
    known = await _known(reads, tenant_id, wish, now)
    asked = _asked(known, wish, now, time_zone)
    question, turns = await loading.question(reads, tenant_id, known, asked)
    choice = choose(question, turns)
    if choice is None:
        why = reasons(question)
        if why[0].rule in refusing.TAKEN:
            free = await _next_free(reads, tenant_id, known, wish, now)
            raise refusing.taken(why[0].rule, free)
        raise refusing.not_offered(why[0].rule, discreetly=wish.from_outside)
    start, length, rules = asked.start, question.rules.length, question.rules
    hosts = (*question.hosts, *question.former)
    host = next(host for host in hosts if host.id == choice.host_ids[0])
    return Place(
        start=moment(start),
        end=moment(start + length),
        host_ids=choice.host_ids,
        room_id=choice.room_id,
        blocked_from=moment(start - rules.before),
        blocked_to=moment(start + length + rules.after),
        schedule_zone=host.schedule.zone_name,
        service=known.service,
        occurrence_id=choice.session.id if choice.session else None,
    )


async def next_free(reads: Reads, *, tenant_id: str, wish: Wish, now: datetime, count: int = 3) -> list[Slot]:
    """Return the next slots from the wish's start on that would do instead, in the next 62 days."""
    known = await _known(reads, tenant_id, wish, now)
    return await _next_free(reads, tenant_id, known, wish, now, count)


async def slots(reads: Reads, *, tenant_id: str, query: SlotQuery, now: datetime) -> SlotDays:
    """Return the free slots of a period of at most 62 days.

    Raises InvalidParameter (400) for an unknown service or provider, a longer period, or a duration that
    the service does not offer.
    """
    known, asked = await _prepare(reads, tenant_id, query, now)
    offers = await _offers(reads, tenant_id, known, asked)
    return writing.slot_days(query.time_zone, known.version(asked.concerned), offers, asked.rules.length)


async def slots_text(
    reads: Reads, *, tenant_id: str, query: SlotQuery, now: datetime, at: datetime | None, known_tag: str
) -> tuple[str, str | None]:
    """Return the ETag of a period's slots and their JSON text; no text when the caller has it already.

    With `at`, the text also explains whether that moment is offered, and why not. Raises as `slots` does.
    """
    known, asked = await _prepare(reads, tenant_id, query, now)
    version = known.version(asked.concerned)
    tag = _tag(version, now)
    if at is None and f'"v{tag}"' in known_tag:
        return tag, None
    explanation = None
    if at is not None:
        start = int(at.timestamp())
        about = replace(asked, start=start, end=start + 1)
        question, _ = await loading.question(reads, tenant_id, known, about)
        explanation = _explained(at, reasons(question))
    offers = await _offers(reads, tenant_id, known, asked)
    return tag, writing.slots(query.time_zone, version, offers, asked.rules.length, explanation)


async def free_text(
    reads: Reads, *, tenant_id: str, query: SlotQuery, now: datetime, known_tag: str
) -> tuple[str, str | None]:
    """Return the ETag of a period's free ranges and their JSON text, as `slots_text` does."""
    known, asked = await _prepare(reads, tenant_id, query, now)
    version = known.version(asked.concerned)
    tag = _tag(version, now)
    if f'"v{tag}"' in known_tag:
        return tag, None
    question, _ = await loading.question(reads, tenant_id, known, asked)
    ranges = free_ranges(question, whole=known.row is None)
    return tag, writing.free(query.time_zone, version, ranges, (asked.start, asked.end))


async def calendar_text(
    reads: Reads, *, tenant_id: str, period: tuple[datetime, datetime], who: str | None, room: str | None
) -> str:
    """Return what takes time in a period, of everybody or of one member or room, as JSON text."""
    return await calendar_queries.entries(
        reads, tenant_id, *period, now=clock.now(), provider_id=who, room_id=room
    )


async def _known(reads: Reads, tenant_id: str, wish: Wish, now: datetime) -> Setup:
    room = wish.room_id or wish.agreed_room
    return await loading.setup(reads, tenant_id, now, wish.service_id, wish.provider_id, room)


async def _prepare(reads: Reads, tenant_id: str, query: SlotQuery, now: datetime) -> tuple[Setup, Asked]:
    if query.end - query.start > LONGEST + 2 * _HOUR:
        message = Text("Como mucho, 62 días.", "At most 62 days.")
        raise InvalidParameter(errors=[FieldError("to", "too_large", str(message))])
    known = await loading.setup(reads, tenant_id, now, query.service_id, query.provider_id)
    is_move = query.ignoring is not None
    refusing.check_service(
        known,
        public_only=query.public_only and not is_move,
        also_inactive=is_move,
        as_parameter=True,
    )
    hosts = known.hosting
    if query.provider_id is not None and query.provider_id not in _ids(hosts, known.in_sessions):
        raise refusing.unknown_provider(known, query.provider_id, as_parameter=True)
    minutes = query.minutes or (known.service.durations[0] if known.service else FREE_MINUTES)
    if known.service and minutes not in known.service.durations and not is_move:
        raise refusing.duration_parameter(known.service.durations)
    hosts = known.those(query.provider_id, of=hosts)
    rules = loading.rules(known, minutes, step=minutes)
    if known.service is None:
        rules = replace(rules, notice=0)
    return known, Asked(
        rules=rules,
        start=int(query.start.timestamp()),
        end=int(query.end.timestamp()),
        now=now,
        hosts=hosts,
        former=known.former(rules, hosts),
        rooms=known.rooms if known.needs_room else None,
        time_zone=query.time_zone,
        provider=query.provider_id,
        seats=query.seats,
        ignoring=query.ignoring,
    )


async def _offers(reads: Reads, tenant_id: str, known: Setup, asked: Asked) -> list[Offer]:
    question, _ = await loading.question(reads, tenant_id, known, asked)
    return Sweep(question).offers()


def _asked(known: Setup, wish: Wish, now: datetime, time_zone: str) -> Asked:
    is_move = wish.ignoring is not None
    refusing.check_service(
        known, public_only=wish.from_outside and not is_move, also_inactive=wish.bypass or is_move
    )
    service = known.service
    minutes = wish.minutes or wish.agreed_minutes or (service.durations[0] if service else FREE_MINUTES)
    offered = service is None or minutes in {*service.durations, wish.agreed_minutes}
    if service and not offered and not wish.bypass:
        raise DurationNotOffered(refusing.durations(service.durations), pointer="/duration_minutes")
    hosts = known.hosts if wish.bypass else known.hosting
    if wish.provider_id is not None:
        if all(host["id"] != wish.provider_id for host in known.hosts):
            raise refusing.unknown_provider(known, wish.provider_id)
        if wish.provider_id not in _ids(hosts, known.in_sessions):
            raise HostNotAvailable(pointer="/provider_id")
        if service is None or wish.provider_id not in _ids(known.hosting):
            # A free appointment, or one that the firm gives to somebody else for once.
            hosts = [host for host in hosts if host["id"] == wish.provider_id]
        hosts = known.those(wish.provider_id, of=hosts)
    elif service is None and len(hosts) != 1:
        raise refusing.provider_required()
    start = int(wish.start.timestamp())
    rules = loading.rules(known, minutes, bypass=wish.bypass)
    if service is None and wish.from_outside:
        rules = replace(rules, notice=0)
    return Asked(
        rules=rules,
        start=start,
        end=start + 1,
        now=now,
        hosts=hosts,
        former=known.former(rules, hosts),
        rooms=_rooms(known, wish),
        time_zone=time_zone,
        provider=wish.provider_id,
        seats=wish.seats,
        room=wish.room_id,
        ignoring=wish.ignoring,
        turns=wish.provider_id is None and len(hosts) > 1,
    )


def _ids(*hosts: Sequence[loading.Json]) -> set[str]:
    return {host["id"] for group in hosts for host in group}


def _rooms(known: Setup, wish: Wish) -> Sequence[loading.Json] | None:
    if wish.room_id is None:
        if known.needs_room:
            return [room for room in known.rooms if room["listed"]]
        # Where a service needs no room, the one that the firm gave this booking stays its own.
        return [room for room in known.rooms if room["id"] == wish.agreed_room] or None
    rooms = [room for room in known.rooms if room["id"] == wish.room_id]
    if not rooms:
        message = Text("La firma no tiene esa sala.", "The firm has no such room.")
        raise ValidationFailed.at("/room_id", "unknown_room", message)
    others = known.needs_room or wish.from_outside
    if others and not rooms[0]["listed"] and not wish.bypass:
        raise RoomNotAvailable(pointer="/room_id")
    return rooms


async def _next_free(
    reads: Reads, tenant_id: str, known: Setup, wish: Wish, now: datetime, count: int = 3
) -> list[Slot]:
    asked = _asked(known, wish, now, "UTC")
    rules = loading.rules(known, asked.rules.length // 60, step=15)
    start = max(wish.start, now)
    offers: list[Offer] = []
    for ahead in _AHEAD:
        reach = replace(
            asked,
            rules=rules,
            start=int(start.timestamp()),
            end=int((start + ahead).timestamp()),
            turns=False,
        )
        offers = await _offers(reads, tenant_id, known, reach)
        if len(offers) >= count:
            break
    return [writing.slot(offer, rules.length) for offer in offers[:count]]


def _tag(version: str, now: datetime) -> str:
    # What is too soon changes with the minute; everything else with the version.
    return f"{version}.{int(now.timestamp()) // 60}"


def _explained(at: datetime, why: list[Reason]) -> writing.Explanation:
    told = [(reason.rule, reason.host_id, str(refusing.sentence(reason.rule))) for reason in why]
    return writing.Explanation(at.astimezone(UTC), told)
