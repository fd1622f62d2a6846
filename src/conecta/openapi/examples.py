"""An example of every body, made from its schema, so that a new member is in it by itself.

A few bodies are written out, the seed's own request among them.
"""

import re
from typing import Any

from .schemas import REF, resolved, without_null

Json = dict[str, Any]

_TAIL = "01m7wbgc28efz8dbeq636vqtdj"
_ID_IN_SENTENCE = re.compile(r"`([a-z]+(?:_[a-z]+)*)_…`")
_WHEN = "2026-01-17T14:30:00Z"


def id_example(prefix: str) -> str:
    """Return an id as examples show it."""
    return f"{prefix}_{_TAIL}"


# Bodies of requests that show what is typical rather than all there may be.
_BODIES: dict[str, Any] = {
    # Word for word the request of the integration guide, §3.1.
    "CaseCreate": {
        "client_id": "cli_abc123",
        "category": "civil",
        "title": "Reclamación de cantidad",
        "description": "Deuda de 5.000€ por servicios prestados",
        "assigned_provider_id": "usr_xyz789",
    },
    "CaseUpdate": {"priority": "high", "tags": ["morosidad", "urgente"], "custom_fields": {"sala": "3"}},
    "StatusChange": {"reason": "Acuerdo extrajudicial"},
    "BookingCreate": {
        "service_id": id_example("svc"),
        "client_id": id_example("cli"),
        "start": "2026-01-20T09:00:00+01:00",
        "notes": "Trae el contrato.",
    },
    "BookingReschedule": {"start": "2026-01-21T17:00:00+01:00", "reason": "Viaje del cliente"},
    "BookingChange": {"reason": "Viaje del cliente"},
    "BookingOutcome": {},
    "HoldCreate": {
        "service_id": id_example("svc"),
        "start": "2026-01-20T09:00:00+01:00",
        "ttl_seconds": 300,
    },
    "ServiceCreate": {
        "name": "Primera consulta",
        "durations": [45],
        "price": {"amount": 6000, "currency": "EUR"},
        "buffer_after": 15,
        "location": {"kind": "office", "detail": "Calle Mayor 1, València"},
        "hosts": [{"provider_id": id_example("usr")}],
    },
    "ServiceUpdate": {"notice_minutes": 1440, "policy": {"free_cancel_minutes": 2880}},
    "RoomUpdate": {"active": False},
    "ScheduleUpdate": {"weekly": [{"day": "monday", "from": "09:00", "to": "14:00"}]},
    "OverrideWrite": {"spans": [{"from": "10:00", "to": "13:00"}], "note": "Víspera de fiesta"},
    "TimeOffCreate": {
        "provider_id": id_example("usr"),
        "start": "2026-08-03T22:00:00Z",
        "end": "2026-08-17T22:00:00Z",
        "kind": "vacation",
    },
    "TimeOffUpdate": {"end": "2026-08-24T22:00:00Z"},
    "HolidayCalendarCreate": {"name": "Barcelona", "region": "CT", "municipality": "Barcelona"},
    "HolidayCalendarUpdate": {"is_default": True},
    "HolidayCreate": {"date": "2026-09-24", "name": "La Mercè", "kind": "local"},
    "HolidayUpdate": {"closed": False},
    "ClientCreate": {
        "first_name": "Persona",
        "last_name": "de Ejemplo",
        "tax_id": "12345678Z",
        "email": "persona@example.com",
        "phone": "+34600111222",
        "external_id": "crm-4711",
    },
    "ClientUpdate": {"phone": "+34600111333", "custom_fields": {"origen": "web"}},
    "NoteUpdate": {"visibility": "shared"},
    "CategoryUpdate": {"active": False},
    "TenantUpdate": {"name": "Bufete Ejemplo, S.L.P.", "language": "es"},
    "ClockMove": {"advance_seconds": 86_400},
    "AppCreate": {
        "name": "CRM del despacho",
        "redirect_uris": ["https://crm.example.com/oauth/callback"],
        "scopes": ["read:cases", "write:bookings"],
    },
    "AppUpdate": {"redirect_uris": ["https://crm.example.com/oauth/v2/callback"]},
    "InquiryCreate": {
        "name": "Persona de Ejemplo",
        "email": "persona@example.com",
        "subject": "Herencia",
        "message": "¿Podrían orientarme sobre una herencia?",
    },
    "PublicInquiryCreate": {
        "name": "Persona de Ejemplo",
        "email": "persona@example.com",
        "message": "¿Podrían orientarme sobre una herencia?",
        "privacy_accepted": True,
        "proof": {"challenge": "bWFkZSBieSB1cw", "solution": "48213"},
    },
    "PublicBookingCreate": {
        "service": "consulta",
        "start": "2026-01-20T09:00:00Z",
        "name": "Persona de Ejemplo",
        "email": "persona@example.com",
        "privacy_accepted": True,
        "proof": {"challenge": "bWFkZSBieSB1cw", "solution": "48213"},
    },
    "InquiryUpdate": {"status": "closed"},
    "InquiryConvert": {"case": {"category": "civil", "title": "Herencia"}},
    "ReviewRequest": {"case_id": id_example("cas")},
    "PublishableKeyUpdate": {"origins": ["https://www.bufete.example", "https://bufete.example"]},
    "PublicSiteWrite": {
        "slug": "bufete-ejemplo",
        "intro": "Abogados de familia en València.",
        "privacy_url": "https://www.bufete.example/privacidad",
    },
    "ApiKeyCreate": {"name": "CRM", "scopes": ["read:cases", "write:cases", "read:clients"]},
}

# What members are usually worth, by name; the first place to look.
_MEMBERS: dict[str, Any] = {
    "FreeTimeRead.version": "878f997f3dfcbeeaf8",
    "SlotsRead.version": "878f997f3dfcbeeaf8",
    "SlotsRead.duration": 30,
    "DayRead.date": "2026-01-20",
    "DayRead.available": True,
    "DaySlotsRead.date": "2026-01-20",
    "SlotRead.provider_ids": [id_example("usr")],
    "ExplanationRead.rule": "holiday",
    "ReasonRead.rule": "holiday",
    "ReasonRead.message": "Ese día es festivo",
    "service_id": id_example("svc"),
    "BookingRead.service": "Primera consulta",
    "BookingRead.provider_ids": [id_example("usr")],
    "BookingRead.start": "2026-01-20T09:00:00Z",
    "BookingRead.end": "2026-01-20T09:45:00Z",
    "BookingRead.status": "confirmed",
    "BookingRead.notes": "Trae el contrato.",
    "BookingRead.confirmed_at": "2026-01-17T14:30:00Z",
    "HoldRead.provider_ids": [id_example("usr")],
    "HoldRead.start": "2026-01-20T09:00:00Z",
    "HoldRead.end": "2026-01-20T09:45:00Z",
    "LocationRead.detail": "Calle Mayor 1, València",
    "PriceRead.amount": 6000,
    "PriceRead.currency": "EUR",
    "PolicyRead.free_cancel_minutes": 1440,
    "PolicyRead.reschedule_minutes": 1440,
    "PolicyRead.max_reschedules": 3,
    "CalendarEntryRead.id": id_example("bkg"),
    "CalendarEntryRead.title": "Primera consulta",
    "CalendarEntryRead.attendee": "Ana Gil",
    "CalendarEntryRead.status": "confirmed",
    "CalendarEntryRead.provider_ids": [id_example("usr")],
    "CalendarEntryRead.service_id": id_example("svc"),
    "provider_id": id_example("usr"),
    "ServiceRead.name": "Primera consulta",
    "ServiceRead.name_en": "First appointment",
    "ServiceRead.description": "Una reunión para conocer el asunto.",
    "ServiceRead.slug": "primera-consulta",
    "ServiceRead.durations": [45],
    "ServiceRead.buffer_before": 0,
    "ServiceRead.buffer_after": 15,
    "ServiceRead.capacity": 1,
    "ServiceRead.notice_minutes": 120,
    "ServiceRead.horizon_days": 60,
    "ServiceRead.slot_step": 30,
    "ServiceRead.max_per_day": 6,
    "ServiceRead.max_per_week": 20,
    "ServiceRead.room_ids": [id_example("room")],
    "ServicePriceRead.amount": 6000,
    "ServicePriceRead.currency": "EUR",
    "ServiceLocationRead.detail": "Calle Mayor 1, València",
    "ServicePolicyRead.free_cancel_minutes": 1440,
    "ServicePolicyRead.reschedule_minutes": 1440,
    "ServicePolicyRead.max_reschedules": 3,
    "schedule_id": id_example("sch"),
    "RoomRead.name": "Sala de juntas",
    "ScheduleRead.name": "Horario de mañana",
    "holiday_calendar_id": id_example("hol"),
    "WeekSpanRead.to": "14:00",
    "DaySpanRead.to": "13:00",
    "OverrideRead.note": "Víspera de fiesta",
    "room_id": id_example("room"),
    "TimeOffRead.start": "2026-08-03T22:00:00Z",
    "TimeOffRead.end": "2026-08-17T22:00:00Z",
    "TimeOffRead.note": "Congreso en Sevilla",
    "HolidayCalendarRead.name": "Barcelona",
    "HolidayCalendarRead.region": "CT",
    "HolidayCalendarRead.municipality": "Barcelona",
    "HolidayCalendarRead.years": [2026, 2027],
    "HolidayRead.name": "La Mercè",
    "HolidayRead.kind": "local",
    "InquiryRead.message": "¿Podrían orientarme sobre una herencia?",
    "InquiryRead.subject": "Herencia",
    "page_url": "https://www.bufete.example/contacto",
    "comment": "Muy claros y rápidos.",
    "reply": "Gracias por su confianza.",
    "moderated_by": "Persona de Ejemplo",
    "booking_id": id_example("bkg"),
    "origins": ["https://www.bufete.example"],
    "PublicServiceRead.name": "Consulta",
    "PublicServiceRead.name_en": "Consultation",
    "PublicServiceRead.slug": "consulta",
    "PublicPlaceRead.kind": "office",
    "PublicPlaceRead.detail": "Calle Mayor 1, 2.º B",
    "PublicPriceRead.amount": 6000,
    "PublicPriceRead.currency": "EUR",
    "PublicSlotsRead.version": "a1b2c3d4",
    "PublicBookingRead.service": "Consulta",
    "PublishableKeyRead.name": "Web del despacho",
    "PublishableKeyRead.key": "pk_live_cnt_" + "0123456789abcdefghijklmnopqrstABCDEF",
    "PublicSiteRead.slug": "bufete-ejemplo",
    "PublicSiteRead.url": "https://api.example.com/b/bufete-ejemplo",
    "PublicFirmRead.url": "https://api.example.com/b/bufete-ejemplo",
    "PublicFirmRead.name": "Bufete Ejemplo, S.L.P.",
    "intro": "Abogados de familia en València.",
    "privacy_url": "https://www.bufete.example/privacidad",
    "challenge": "bWFkZSBieSB1cw",
    "number": "EXP-2026-0001",
    "AttemptRead.number": 1,
    "TenantRead.name": "Bufete Ejemplo, S.L.P.",
    "TenantRead.case_number_format": "EXP-{year}-{number:04}",
    "ClockRead.offset_seconds": 86_400,
    "time_zone": "Europe/Madrid",
    "AccessRead.status": "active",
    "sign_in_url": f"https://api.example.com/portal/{id_example('tenant')}/sign-in",
    "AppRead.name": "CRM del despacho",
    "AppCreated.name": "CRM del despacho",
    "AppSecretRead.hint": "cnt_secret_…p0Xk",
    "client_secret": "cnt_secret_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
    "redirect_uris": ["https://crm.example.com/oauth/callback"],
    "website": "https://crm.example.com",
    "logo": "https://crm.example.com/logo.svg",
    "to": "persona@example.com",
    "subject": "Tu acceso a Bufete Ejemplo",
    "text": "Hola:\n\nEntra con este enlace.\n\nEntrar:\nhttps://api.example.com/portal\n",
    "html": '<!doctype html><html lang="es"><body><p>Entra con este enlace.</p></body></html>',
    "link": "https://api.example.com/portal",
    "channel": "mail",
    "attachments": [
        {
            "name": "cita.ics",
            "content_type": "text/calendar",
            "parameters": {"method": "REQUEST"},
            "content": "QkVHSU46VkNBTEVOREFS",
        }
    ],
    "minutes_before": [1440, 120],
    "quiet_from": "22:00",
    "quiet_until": "08:00",
    "CalendarFeedRead.name": "Agenda de Marta",
    "CalendarFeedCreated.name": "Agenda de Marta",
    "CalendarFeedRead.hint": "mQ4x",
    "CalendarFeedCreated.hint": "mQ4x",
    "CalendarFeedCreated.url": "https://api.example.com/calendars/0123456789abcdefghijklmnopqrmQ4x.ics",
    "provider": "google",
    "account": "marta@bufete.example",
    "write_calendar_id": "marta@bufete.example",
    "ConnectedCalendarRead.id": "marta@bufete.example",
    "ConnectedCalendarRead.name": "Marta Vidal",
    "ConnectionRead.state": "active",
    "ConnectionRead.last_error": None,
    "CalendarAuthorization.authorize_url": "https://accounts.google.com/o/oauth2/v2/auth?client_id=…&state=…",
    "attendee_id": id_example("att"),
    "BookingLinkRead.url": "https://api.example.com/c/0123456789abcdefghijkl",
    "MessageRead.status": "captured",
    "MessageDetail.status": "captured",
    "MessageRead.attempts": 0,
    "MessageDetail.attempts": 0,
    "AuditEntryRead.action": "api_key.created",
    "AuditEntryRead.description": "Clave de API creada",
    "AuditEntryRead.details": {"name": "CRM", "scopes": ["read:cases"]},
    "actor_id": id_example("usr"),
    "user_id": id_example("usr"),
    "actor_name": "Persona de Ejemplo",
    "target": id_example("key"),
    "AuditEntryRead.address": "203.0.113.7",
    "RequestRead.address": "203.0.113.7",
    "RequestDetail.address": "203.0.113.7",
    "user_agent": "CRM/3.2",
    "request_id": id_example("req"),
    "method": "POST",
    "path": "/v1/servicios/clients",
    "route": "/v1/servicios/clients",
    "RequestRead.status": 422,
    "RequestDetail.status": 422,
    "RequestRead.duration_ms": 12.4,
    "RequestDetail.duration_ms": 12.4,
    "credential_id": id_example("key"),
    "credential_name": "CRM",
    "error_code": "validation_failed",
    "request_body": {"name": "Persona de Ejemplo", "email": "***@***"},
    "error_body": {"code": "validation_failed", "status": 422},
    "ApiKeyRead.name": "CRM",
    "ApiKeyCreated.name": "CRM",
    "CategoryRead.code": "civil",
    "CategoryRead.name_es": "Civil",
    "CategoryRead.name_en": "Civil",
    "EventRead.data": {"case_id": id_example("cas"), "case_number": "EXP-2026-0001", "status": "open"},
    "EventTypeRead.name": "case.created",
    "EventTypeRead.description": "Nuevo expediente creado",
    "EventTypeRead.example": {"case_id": id_example("cas"), "case_number": "EXP-2026-0001"},
    "EventTypeRead.data_schema": {"type": "object"},
    "WebhookRead.description": "CRM de la firma",
    "WebhookCreated.description": "CRM de la firma",
    "ActivityRead.type": "updated",
    "ActivityRead.description": "Prioridad: de normal a alta",
    "NoticeRead.detail": "No ha aceptado ninguna entrega desde hace una hora.",
    "NoticeRead.health": "unhealthy",
    "DeliveryRead.status": "delivered",
    "DeliveryDetail.status": "delivered",
    "NoteEditRead.note_id": id_example("nte"),
    "HealthRead.failures": 0,
    "HealthRead.parked": 0,
    "HealthRead.failed": 0,
    "additional_emails": ["otra@example.com"],
    "additional_phones": ["+34960111222"],
    "address": {
        "street": "Calle Mayor 1, 2.º B",
        "postal_code": "46001",
        "city": "València",
        "province": "Valencia",
        "country": "ES",
    },
    "resource_id": id_example("cas"),
    "event_type": "case.created",
    "status_code": 200,
    "last_status_code": 200,
    "duration_ms": 38,
    "response_excerpt": "ok",
    "last_used_address": "203.0.113.7",
    "last_used_agent": "CRM/3.2",
    "last_used_route": "GET /v1/servicios/cases",
    "title": "Reclamación de cantidad",
    "category": "civil",
    "name": "Persona de Ejemplo",
    "first_name": "Persona",
    "last_name": "de Ejemplo",
    "email": "persona@example.com",
    "phone": "+34600111222",
    "tax_id": "12345678Z",
    "tax_id_type": "nif",
    "tax_id_country": "ES",
    "language": "es",
    "external_id": "crm-4711",
    "custom_fields": {"sala": "3"},
    "tags": ["morosidad"],
    "role": "provider",
    "author_type": "user",
    "author_id": id_example("usr"),
    "author_name": "Persona de Ejemplo",
    "before": "normal",
    "after": "high",
    "mode": "live",
    "hint": "sk_live_cnt_…9xQz",
    "key": "sk_live_cnt_" + "0123456789abcdefghijklmnopqrstABCDEF",
    "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "url": "https://example.com/webhooks/conecta",
    "events": ["case.*"],
    "allowed_addresses": ["203.0.113.0/24"],
    "plan": "professional",
    "type": "case.created",
    "created": _WHEN,
    "tenant_id": id_example("tenant"),
    "client_id": id_example("cli"),
    "case_id": id_example("cas"),
    "assigned_provider_id": id_example("usr"),
    "event_id": id_example("wh_evt"),
    "endpoint_id": id_example("whk"),
    "FeedRead.next_cursor": "WyJmZWVkIl0.c2lnbmF0dXJl",
    "cursor": "WyJ0ZW5hbnRfMDFtN3ciXQ.c2lnbmF0dXJl",
    "description": "Deuda de 5.000€ por servicios prestados",
    "content": "Llamar al cliente antes de la vista.",
    "priority": "normal",
    "custom_field": "sala:3",
    "tag": "morosidad",
    "q": "reclamación",
    "since": _WHEN,
}
# Members that are usually empty.
_EMPTY = {
    "archived_at",
    "closed_at",
    "disabled_at",
    "due_at",
    "rotation",
    "disabled_reason",
    "error",
    "expires_at",
    "failing_since",
    "last_error",
    "last_failure_at",
    "next_cursor",
    "note_id",
    "notes",
    "replaced_by",
    "revoked_at",
    "rotation_ends_at",
    "query",
    "sent_at",
    "status_reason",
    "total",
    "trial_until",
}


def add_to(described: Json, schemas: Json) -> None:
    """Give the request body and every JSON answer of an operation an example."""
    bodies = [described.get("requestBody", {}), *described["responses"].values()]
    for content in (body.get("content", {}) for body in bodies):
        if "application/json" in content:
            media = content["application/json"]
            media.setdefault("example", example_of(media["schema"], schemas))


def example_of(schema: Json, schemas: Json, name: str = "") -> Any:
    """Return a value that is valid by a schema and looks like one from real life."""
    if {"type": "null"} in schema.get("anyOf", []) and name.rpartition(".")[2] in _EMPTY:
        return None
    schema = without_null(schema)
    model = schema.get("$ref", "").removeprefix(REF)
    if model in _BODIES:
        return _BODIES[model]
    schema = resolved(schema, schemas)
    for known in (name, name.rpartition(".")[2]):
        if known in _MEMBERS and _fits(_MEMBERS[known], schema):
            return _MEMBERS[known]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema.get("default", schema["enum"][0])
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], schemas, name)
    return _by_type(schema, schemas, name, model)


def _by_type(schema: Json, schemas: Json, name: str, model: str) -> Any:
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, model)
        case "array":
            return [example_of(schema["items"], schemas)] if "items" in schema else []
        case "boolean":
            return bool(schema.get("default", name.endswith(".active")))
        case "integer" | "number":
            return schema.get("default", max(1, int(schema.get("minimum", 1))))
        case "string":
            return _string(schema)
        case _:
            return {}


def _object(schema: Json, schemas: Json, model: str) -> Json:
    members: Json = schema.get("properties", {})
    closed = schema.get("additionalProperties") is False  # a body somebody sends: only what it needs
    wanted = schema.get("required", []) if closed else [m for m in members if m != "total"]
    if not members and isinstance(schema.get("additionalProperties"), dict):
        return {"priority": example_of(schema["additionalProperties"], schemas)}
    return {member: example_of(members[member], schemas, f"{model}.{member}") for member in wanted}


def _string(schema: Json) -> str:
    if schema.get("format") == "date-time":
        return _WHEN
    prefix = _ID_IN_SENTENCE.search(schema.get("description", ""))
    if prefix:
        return id_example(prefix.group(1))
    return str(schema.get("default") or "…")


def _fits(value: Any, schema: Json) -> bool:
    kinds = {"string": str, "array": list, "object": dict, "integer": int, "boolean": bool}
    kind = kinds.get(schema.get("type", ""))
    known = schema.get("enum")
    return (kind is None or isinstance(value, kind)) and (known is None or value in known)
