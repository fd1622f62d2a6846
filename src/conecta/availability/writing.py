"""Offers and free ranges as the API writes them: texts put together by hand, since there are thousands."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from conecta.kit import clock

from .engine.facts import Offer
from .engine.free import FreeRanges
from .engine.ranges import Ranges, clip
from .engine.zones import DAY, Zone, zone
from .loading import moment
from .terms import Slot, SlotDays

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a moment is not offered: rule, host (None: everybody) and sentence, the most telling first."""

    at: datetime
    reasons: Sequence[tuple[str, str | None, str]]

    def json(self) -> str:
        """Write it."""
        told = [
            {"rule": rule, "provider_id": host_id, "message": message}
            for rule, host_id, message in self.reasons
        ]
        rule = told[0]["rule"] if told else None
        shown = {"at": clock.wire(self.at), "offered": not told, "rule": rule, "reasons": told}
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def slot(offer: Offer, length: int) -> Slot:
    """Return an offer as other features are told of it."""
    return Slot(moment(offer.start), moment(offer.start + length), offer.seats, offer.host_ids)


def slot_days(time_zone: str, version: str, offers: Sequence[Offer], length: int) -> SlotDays:
    """Return offers by the invitee's days."""
    days = [
        (_EPOCH + timedelta(days=day), tuple(slot(offer, length) for offer in found))
        for day, found in _by_day(zone(time_zone), offers)
    ]
    return SlotDays(time_zone, version, tuple(days))


def slots(
    time_zone: str, version: str, offers: Sequence[Offer], length: int, explanation: Explanation | None
) -> str:
    """Write offers by the invitee's days and as one list."""
    ids: dict[tuple[str, ...], str] = {}
    stamp = _Stamps()
    days, flat = [], []
    for day, found in _by_day(zone(time_zone), offers):
        texts = []
        for offer in found:
            who = ids.get(offer.host_ids)
            if who is None:
                who = ids[offer.host_ids] = '","'.join(offer.host_ids)
            texts.append(
                f'{{"start":"{stamp(offer.start)}","end":"{stamp(offer.start + length)}",'
                f'"seats":{offer.seats},"provider_ids":["{who}"]}}'
            )
        joined = ",".join(texts)
        days.append(f'{{"date":"{_date(day)}","slots":[{joined}]}}')
        flat.append(joined)
    explained = explanation.json() if explanation else "null"
    return (
        f'{{"time_zone":{json.dumps(time_zone)},"version":"{version}","duration":{length // 60},'
        f'"days":[{",".join(days)}],"data":[{",".join(flat)}],"explanation":{explained}}}'
    )


def free(time_zone: str, version: str, found: FreeRanges, period: tuple[int, int]) -> str:
    """Write free ranges: of anybody, by the invitee's days, and of each provider."""
    here, stamp = zone(time_zone), _Stamps()
    days = []
    for day in range(here.day(period[0]), here.day(period[1] - 1) + 1):
        ranges = clip(found.of_any, here.midnight(day), here.midnight(day + 1))
        available = "true" if ranges else "false"
        written = _ranges(ranges, stamp)
        days.append(f'{{"date":"{_date(day)}","available":{available},"ranges":[{written}]}}')
    providers = [
        f'{{"provider_id":"{host_id}","ranges":[{_ranges(ranges, stamp)}]}}'
        for host_id, ranges in found.of_hosts.items()
    ]
    return (
        f'{{"time_zone":{json.dumps(time_zone)},"version":"{version}","data":[{",".join(days)}],'
        f'"ranges":[{_ranges(found.of_any, stamp)}],"providers":[{",".join(providers)}]}}'
    )


class _Stamps:
    """Instants as the API writes them; a day's date is written once."""

    def __init__(self) -> None:
        self._dates: dict[int, str] = {}

    def __call__(self, instant: int) -> str:
        day, second = divmod(instant, DAY)
        shown = self._dates.get(day)
        if shown is None:
            shown = self._dates[day] = _date(day)
        minute, second = divmod(second, 60)
        return f"{shown}T{minute // 60:02}:{minute % 60:02}:{second:02}Z"


def _ranges(ranges: Ranges, stamp: _Stamps) -> str:
    return ",".join(f'{{"start":"{stamp(start)}","end":"{stamp(end)}"}}' for start, end in ranges)


def _date(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).isoformat()


def _by_day(here: Zone, offers: Sequence[Offer]) -> Iterator[tuple[int, list[Offer]]]:
    for day, found in groupby(offers, key=lambda offer: here.day(offer.start)):
        yield day, list(found)
