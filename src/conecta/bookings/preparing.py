"""What somebody wants to book, checked against who they are and against what it refers to."""

from typing import Any

from conecta.kit.errors import FieldError, ValidationFailed
from conecta.kit.language import Text
from conecta.kit.validation import pointer

from .actors import Actor
from .queries import References
from .schemas import AttendeeCreate, BookingCreate, When
from .terms import Promise, Terms

_FOR_THE_FIRM = ("external_id", "custom_fields", "service")
_FIRMS_TO_SAY = ("provider_id", "room_id", "end", "duration_minutes", "duration")


def firm_only(actor: Actor, wanted: When) -> None:
    """Raise ValidationFailed when somebody from outside asks for what only the firm may."""
    if actor.is_firm:
        return
    asked = [name for name in _FOR_THE_FIRM if getattr(wanted, name, None)]
    asked += ["bypass_rules"] if wanted.bypass_rules else []
    errors = [FieldError(f"/{name}", "firm_only", str(_FIRM_ONLY)) for name in asked]
    if getattr(wanted, "service_id", None) is None and getattr(wanted, "hold_id", None) is None:
        errors.append(FieldError("/service_id", "required", str(_NO_SERVICE)))
    client_id = getattr(wanted, "client_id", None)
    if actor.own is not None and client_id not in {None, actor.own}:
        errors.append(FieldError("/client_id", "unknown_client", str(_UNKNOWN_CLIENT)))
    if errors:
        raise ValidationFailed(errors=errors)


def movable_by(actor: Actor, wanted: When, *, of_service: bool) -> None:
    """Raise ValidationFailed when somebody from outside moves a booking to where only the firm may.

    Of what no service offers, only the time is theirs to choose.
    """
    if actor.is_firm:
        return
    firms = ("bypass_rules",) if of_service else ("bypass_rules", *_FIRMS_TO_SAY)
    errors = [FieldError(f"/{name}", "firm_only", str(_FIRM_ONLY)) for name in firms if getattr(wanted, name)]
    if errors:
        raise ValidationFailed(errors=errors)


def referring(actor: Actor, wanted: BookingCreate) -> dict[str, Any]:
    """Return the ids that a booking names, as the query that looks them up takes them."""
    return named(
        client_id=wanted.client_id or actor.own,
        case_id=wanted.case_id,
        hold_id=wanted.hold_id,
        service_id=wanted.service_id,
        provider_id=wanted.provider_id,
        external_id=wanted.external_id,
        attendee_clients=[guest.client_id for guest in wanted.attendees if guest.client_id],
        free=wanted.service_id is None and wanted.hold_id is None,
    )


def named(**ids: Any) -> dict[str, Any]:
    """Return some ids as the query that looks them up takes them: null is not looked for."""
    nothing = dict.fromkeys(("client_id", "case_id", "hold_id", "service_id", "provider_id", "external_id"))
    return {**nothing, "attendee_clients": [], "free": False, **ids}


def refuse(
    found: References,
    *,
    client_id: str | None,
    case_id: str | None,
    attendees: list[AttendeeCreate] | None = None,
) -> None:
    """Raise ValidationFailed with every wrong id."""
    errors: list[FieldError] = []
    if client_id is not None and found.client_id is None:
        errors.append(FieldError("/client_id", "unknown_client", str(_UNKNOWN_CLIENT)))
    elif found.client_id is not None and found.client_status != "active":
        errors.append(FieldError("/client_id", "client_archived", str(_ARCHIVED_CLIENT)))
    errors += _wrong_case(found, client_id, case_id)
    for index, guest in enumerate(attendees or []):
        if guest.client_id in found.unknown_attendee_clients:
            where = pointer(["attendees", index, "client_id"])
            errors.append(FieldError(where, "unknown_client", str(_UNKNOWN_CLIENT)))
    if errors:
        raise ValidationFailed(errors=errors)


def refuse_case(found: References, *, client_id: str | None, case_id: str | None) -> None:
    """Raise ValidationFailed when there is no such case, or it is not of the booking's client."""
    if errors := _wrong_case(found, client_id, case_id):
        raise ValidationFailed(errors=errors)


def _wrong_case(found: References, client_id: str | None, case_id: str | None) -> list[FieldError]:
    if case_id is not None and found.case_id is None:
        return [FieldError("/case_id", "unknown_case", str(_UNKNOWN_CASE))]
    if case_id is not None and client_id is not None and found.case_client_id != client_id:
        return [FieldError("/case_id", "other_client", str(_OTHER_CLIENT))]
    return []


def the_provider(actor: Actor, wanted: When, found: References) -> str | None:
    """Return with whom: whom they named; for a free appointment also the caller, or the only one there is.

    Raises ValidationFailed when a free appointment could be with several.
    """
    if wanted.provider_id is not None or getattr(wanted, "service_id", None) is not None:
        return wanted.provider_id
    if actor.kind == "user" and actor.id in found.members:
        return actor.id
    if len(found.members) == 1:
        return found.members[0]
    raise ValidationFailed.at("/provider_id", "required", _NO_PROVIDER)


def same_as_held(wanted: BookingCreate, held: Terms, seats: int) -> None:
    """Raise ValidationFailed when a booking asks for something else than its hold has kept."""
    length = int((held.ends_at - held.starts_at).total_seconds()) // 60
    is_other = {
        "service_id": wanted.service_id not in {None, held.service_id},
        "provider_id": wanted.provider_id not in {None, *held.provider_ids},
        "room_id": wanted.room_id not in {None, held.room_id},
        "end": wanted.end not in {None, held.ends_at},
        "duration_minutes": wanted.duration_minutes not in {None, length},
        "duration": wanted.duration not in {None, length},
        "seats": wanted.seats not in {None, seats},
    }
    errors = [FieldError(f"/{name}", "not_as_held", str(_HELD)) for name, other in is_other.items() if other]
    if errors:
        raise ValidationFailed(errors=errors)


def seats_of(wanted: BookingCreate, found: References) -> int:
    """Return how many places a booking takes: of a group session one for each who comes, or more.

    Raises ValidationFailed when more come to a group session than it has places for them.
    """
    if (found.capacity or 1) == 1:
        return 1 if wanted.seats is None else wanted.seats
    coming = max(1, len(wanted.attendees))
    if wanted.seats is not None and wanted.seats < coming:
        raise ValidationFailed.at("/seats", "too_small", _TOO_FEW_SEATS)
    return coming if wanted.seats is None else wanted.seats


def attendees_of(
    wanted: BookingCreate, found: References, *, time_zone: str, confirmed: bool
) -> list[dict[str, Any]]:
    """Return who comes, as rows; the first one is the client, unless the booking names another.

    A first guest of whom only the name is known is written to at the client's address.
    """
    guests = [_reachable(wanted.attendees[0], found), *wanted.attendees[1:]] if wanted.attendees else []
    guests = guests or _the_client(found)
    status = "confirmed" if confirmed else "invited"
    return [
        {
            "position": index,
            "name": guest.name,
            "email": guest.email,
            "phone": guest.phone,
            "client_id": guest.client_id or (found.client_id if index == 0 else None),
            "language": guest.language or (found.client_language if found.client_id else "es"),
            "time_zone": guest.time_zone or time_zone,
            "status": status if index == 0 else "invited",
        }
        for index, guest in enumerate(guests)
    ]


def location_of(actor: Actor, wanted: BookingCreate, promise: Promise) -> tuple[str, str | None]:
    """Return where it takes place; who comes from outside may only add their own address or number."""
    if wanted.location is None:
        return promise.location_kind, promise.location_detail
    theirs = promise.location_kind in {"phone", "client_address"}
    if not actor.is_firm and (wanted.location.kind != promise.location_kind or not theirs):
        raise ValidationFailed.at("/location", "not_allowed", _THEIR_PLACE)
    return wanted.location.kind, wanted.location.detail


def _reachable(guest: AttendeeCreate, found: References) -> AttendeeCreate:
    if guest.email or guest.phone or guest.client_id not in {None, found.client_id}:
        return guest
    return guest.model_copy(update={"email": found.client_email, "phone": found.client_phone})


def _the_client(found: References) -> list[AttendeeCreate]:
    if found.client_id is None:
        return []
    # The client's own data have been checked when they were written.
    return [
        AttendeeCreate.model_construct(
            name=found.client_name,
            email=found.client_email,
            phone=found.client_phone,
            client_id=found.client_id,
            language=found.client_language,
            time_zone=None,
        )
    ]


_FIRM_ONLY = Text("Solo puede usarlo el despacho.", "Only the firm may use it.")
_NO_SERVICE = Text("Elige un servicio.", "Choose a service.")
_NO_PROVIDER = Text("Di con quién.", "Say with whom.")
_UNKNOWN_CLIENT = Text(
    "No hay ningún cliente con ese identificador en esta firma.",
    "There is no client with that id in this firm.",
)
_ARCHIVED_CLIENT = Text(
    "El cliente está archivado; restáuralo con POST /clients/{id}/restore.",
    "The client is archived; restore it with POST /clients/{id}/restore.",
)
_UNKNOWN_CASE = Text(
    "No hay ningún expediente con ese identificador en esta firma.",
    "There is no case with that id in this firm.",
)
_OTHER_CLIENT = Text("El expediente es de otro cliente.", "The case is of another client.")
_HELD = Text(
    "No es lo que se retuvo: quítalo, o reserva sin hold_id.",
    "It is not what was held: leave it out, or book without hold_id.",
)
_TOO_FEW_SEATS = Text("Hay menos plazas que asistentes.", "There are fewer seats than attendees.")
_THEIR_PLACE = Text(
    "Aquí solo puedes dar tu dirección o tu teléfono, si el servicio los pide.",
    "You may only give your address or your phone here, if the service asks for them.",
)
