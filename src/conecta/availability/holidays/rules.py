"""Which days are official holidays where; no SQL, no HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

# Autonomous communities and cities, by the letters of ISO 3166-2:ES that the library goes by.
REGIONS = (
    "AN", "AR", "AS", "CB", "CE", "CL", "CM", "CN", "CT", "EX",
    "GA", "IB", "MC", "MD", "ML", "NC", "PV", "RI", "VC",
)  # fmt: skip
FIRST_YEAR = 2008
# The last year whose days the library has taken from the official gazettes; later ones are computed, and
# regions still move some of theirs.
LAST_OFFICIAL_YEAR = 2026
# The one municipality whose two local days the library knows, and its region.
_KNOWN_MUNICIPALITY = ("Barcelona", "CT")
_ESTIMATED = " (estimado)"


@dataclass(frozen=True)
class OfficialDay:
    """One day as it is filled in."""

    date: date
    name: str
    kind: str
    closed: bool
    confirmed: bool


@lru_cache(maxsize=200)
def official_days(region: str | None, municipality: str | None, year: int) -> tuple[OfficialDay, ...]:
    """Return the official days of a year at a place, in their order.

    National ones, those of the region, the local ones where they are known, and the days on which courts
    count no time: August (Civil Procedure Act art. 130) and 24 December to 6 January (Judiciary Act
    art. 183).
    """
    national = _of_library(None, year)
    regional = _of_library(region, year) if region else national
    local = regional
    if (municipality or "").strip().casefold() == _KNOWN_MUNICIPALITY[0].casefold() and (
        region == _KNOWN_MUNICIPALITY[1]
    ):
        local = _of_library(_KNOWN_MUNICIPALITY[0], year)
    days = [
        OfficialDay(
            date=day,
            name=name.removesuffix(_ESTIMATED),
            kind="national" if national.get(day) == name else "regional" if day in regional else "local",
            closed=True,
            confirmed=year <= LAST_OFFICIAL_YEAR and not name.endswith(_ESTIMATED),
        )
        for day, name in local.items()
    ]
    days += [
        OfficialDay(date=day, name="Día inhábil judicial", kind="judicial", closed=False, confirmed=True)
        for day in _judicial(year)
    ]
    return tuple(sorted(days, key=lambda day: (day.date, day.kind)))


def _of_library(subdivision: str | None, year: int) -> dict[date, str]:
    # Imported late: a third of a second of the start would go into tables that few requests want.
    from holidays.countries.spain import Spain

    return dict(Spain(subdiv=subdivision, years=year, language="es"))


def _judicial(year: int) -> Iterator[date]:
    for first, last in (
        (date(year, 1, 1), date(year, 1, 6)),
        (date(year, 8, 1), date(year, 8, 31)),
        (date(year, 12, 24), date(year, 12, 31)),
    ):
        yield from (first + timedelta(days=n) for n in range((last - first).days + 1))
