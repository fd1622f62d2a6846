"""`/b/{firm}`, `/b/{firm}/{service}`: anybody books a time with the firm, without an account."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.bookings.service import Sender
from conecta.kit import clock, language
from conecta.kit.errors import Problem
from conecta.kit.language import Text
from conecta.pages import forms, rendering, times
from conecta.pages.web import VisitorPage, page_router
from conecta.reviews import service as reviews
from conecta.website.public import booking
from conecta.website.public.schemas import PublicBookingCreate

from .visit import Visit, proven, said, visit

router = page_router()

# How far ahead one look reaches, and how many days with free times are shown of it.
_REACH: Final = 28
_DAYS_SHOWN: Final = 5
_REVIEWS_SHOWN: Final = 5

PLACES = {
    "office": Text("En el despacho", "At the office"),
    "phone": Text("Por teléfono", "By phone"),
    "video": Text("Por videollamada", "By video call"),
    "client_address": Text("En tu dirección", "At your address"),
}


@router.get("/b/{firm}")
@router.get("/embed/{firm}")
async def show_firm(page: VisitorPage, firm: str) -> Response:
    """The firm, what can be booked there, and what its clients say."""
    found = await visit(page, firm)
    tenant = {"tenant_id": found.firm.tenant_id}
    shows = found.firm.shows_reviews
    return found.render(
        "firm",
        services=[_described(service) for service in await booking.read_services(found.reads, **tenant)],
        reviews=await reviews.newest_published(found.reads, limit=_REVIEWS_SHOWN, **tenant) if shows else [],
        summary=await reviews.summary(found.reads, **tenant) if shows else (0, 0),
    )


@router.get("/b/{firm}/done/{token}")
@router.get("/embed/{firm}/done/{token}")
async def show_booked(page: VisitorPage, firm: str, token: str) -> Response:
    """What was booked."""
    found = await visit(page, firm)
    facts = found.done_facts(token)
    start, end = (datetime.fromisoformat(facts[name]) for name in ("start", "end"))
    zone = times.zone_of(facts["time_zone"]) or found.zone
    return found.render(
        "booked",
        booked=facts,
        when=times.moment_name(start, end, zone),
        zone=times.zone_name(zone),
        where=_where(facts["location"]),
    )


@router.get("/b/{firm}/{service}")
@router.get("/embed/{firm}/{service}")
async def choose_time(page: VisitorPage, firm: str, service: str) -> Response:
    """Free times of a service; with one chosen, who comes."""
    found = await visit(page, firm)
    chosen = await booking.read_service(found.reads, tenant_id=found.firm.tenant_id, key=service)
    start = times.moment_of(page.request.query_params.get("start"))
    if start is None:
        return await _times(found, chosen)
    return _details(found, chosen, start, form={}, errors=None)


@router.post("/b/{firm}/{service}")
@router.post("/embed/{firm}/{service}")
async def book(page: VisitorPage, firm: str, service: str) -> Response:
    """Book the time that was chosen."""
    found = await visit(page, firm)
    chosen = await booking.read_service(found.reads, tenant_id=found.firm.tenant_id, key=service)
    form = await found.form()
    start = times.moment_of(str(form.get("start", "")))
    if start is None:
        return await _times(found, chosen)

    async def make(session: AsyncSession) -> Response:
        wanted = forms.read(PublicBookingCreate, _values(found, chosen, form))
        made = await booking.book(
            session,
            Sender(page.keyring, page.settings.base_url),
            page.request.app.state.limits,
            caller=found.caller,
            wanted=wanted,
            on_our_page=True,
        )
        return found.done("/done", {**made, "first": wanted.name.split()[0]})

    try:
        async with page.request.app.state.queues.of(f"agenda {found.firm.tenant_id}"):
            return await found.once(form, make)
    except Problem as refusal:
        return _refused(found, chosen, start, form, refusal)


def _values(found: Visit, chosen: dict[str, Any], form: FormData) -> dict[str, Any]:
    texts = {name: str(form.get(name, "")).strip() or None for name in ("email", "phone", "address", "notes")}
    return {
        "service": chosen["slug"],
        "start": str(form.get("start", "")),
        "duration": forms.whole_number(form, "duration"),
        "name": str(form.get("name", "")),
        "time_zone": str(found.zone),
        "language": language.current(),
        **texts,
        **proven(form),
    }


def _refused(
    found: Visit, chosen: dict[str, Any], start: datetime, form: FormData, refusal: Problem
) -> Response:
    """Say why it could not be booked: at the fields, and with other times when that one is gone."""
    if refusal.status >= 500:
        raise refusal
    errors = said(refusal)
    about_time = bool({"start", "duration"} & set(errors.by_field)) or "next_slots" in refusal.extensions
    if about_time and errors.by_field:
        errors = forms.FormErrors(general=[str(refusal.sentence)], status=refusal.status)
    free = [datetime.fromisoformat(slot["start"]) for slot in refusal.extensions.get("next_slots", [])]
    response = _details(found, chosen, start, form=form, errors=errors, next_free=free, gone=about_time)
    response.headers.update(
        {name: refusal.headers[name] for name in ("Retry-After",) if name in refusal.headers}
    )
    return response


def _details(
    found: Visit,
    chosen: dict[str, Any],
    start: datetime,
    *,
    form: Any,
    errors: forms.FormErrors | None,
    next_free: list[datetime] | None = None,
    gone: bool = False,
) -> Response:
    minutes = _minutes(
        chosen, str(form.get("duration") or found.page.request.query_params.get("duration", ""))
    )
    end = start + timedelta(minutes=minutes)
    path = _path(chosen)
    return found.render(
        "details",
        status=errors.status if errors else 200,
        service=_described(chosen),
        form=form,
        errors=errors,
        start=clock.wire(start),
        minutes=minutes,
        when=times.moment_name(start, end, found.zone),
        zone=times.zone_name(found.zone),
        where=_where(chosen["location"]),
        back=found.link(path, duration=str(minutes)),
        gone=gone,
        others=[
            (
                found.link(path, duration=str(minutes), start=clock.wire(free)),
                times.moment_name(free, free + timedelta(minutes=minutes), found.zone),
            )
            for free in next_free or []
        ],
    )


async def _times(found: Visit, chosen: dict[str, Any]) -> Response:
    query, path = found.page.request.query_params, _path(chosen)
    minutes = _minutes(chosen, query.get("duration", ""))
    today = clock.now().astimezone(found.zone).date()
    first = max(today, times.day_of(query.get("from")) or today)
    free = await booking.free_days(
        found.reads,
        caller=found.caller,
        service_id=chosen["id"],
        first=first,
        last=first + timedelta(days=_REACH - 1),
        time_zone=str(found.zone),
        minutes=minutes,
    )
    shown = [(day, slots) for day, slots in free.days if slots][:_DAYS_SHOWN]
    after = shown[-1][0] + timedelta(days=1) if shown else first + timedelta(days=_REACH)
    length = str(minutes)
    return found.render(
        "times",
        service=_described(chosen),
        minutes=minutes,
        lengths=[(n, found.link(path, duration=str(n)), _length(n)) for n in chosen["durations"]],
        where=_where(chosen["location"]),
        days=[
            (times.day_name(day), [
                (found.link(path, duration=length, start=start), label)
                for start, label in times.labels([slot.start for slot in slots], found.zone)
            ])
            for day, slots in shown
        ],
        earlier=found.link(path, duration=length) if first > today else None,
        later=found.link(path, duration=length, **{"from": after.isoformat()}),
        zone=times.zone_name(found.zone),
        other_zone=found.link(path, duration=length, tz="__ZONE__"),
    )  # fmt: skip


def _described(service: dict[str, Any]) -> dict[str, Any]:
    """Return a service with the words that a page says of it."""
    english = language.current() == "en" and service["name_en"]
    price = service["price"]
    return {
        **service,
        "title": service["name_en"] if english else service["name"],
        "path": _path(service),
        "place": PLACES[service["location"]["kind"]],
        "cost": rendering.money(price) if price else None,
        "lengths": " / ".join(_length(n) for n in service["durations"]),
    }


def _path(service: dict[str, Any]) -> str:
    """Return the address of a service below the firm's; that of the contact form is taken."""
    return f"/{service['slug'] if service['slug'] != 'contact' else service['id']}"


def _length(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    return " ".join([*parts, f"{rest} min"] if rest or not hours else parts)


def _where(location: dict[str, Any]) -> str:
    kind, detail = str(PLACES[location["kind"]]), location["detail"]
    return f"{kind}: {detail}" if detail else kind


def _minutes(chosen: dict[str, Any], asked: str) -> int:
    """Return the length that was asked for when the service has it, else its first."""
    found = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 0
    lengths: list[int] = chosen["durations"]
    return found if found in lengths else lengths[0]
