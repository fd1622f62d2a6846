"""Schemathesis over the whole OpenAPI document with a real key: no 5xx, every answer conforms.

It sends what the document allows and what it forbids, in process, to the application's own lifespan; its
checks compare each answer with the document: status, media type, schema (which names the possible error
codes), headers, refusal of invalid data and of missing credentials, `Allow` of unsupported methods.

`positive_data_acceptance` stays off: what a schema allows may still be refused by a rule that no schema can
say, such as the check letter of a NIF.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from schemathesis.python import asgi

from conecta.app import create_app
from conecta.kit import logs
from tests.firms import Firm, make_firm
from tests.messages.mailing import send

# The same requests every time, so that a red run speaks of the change; FUZZ_SEED=… looks elsewhere.
SEED = int(os.environ.get("FUZZ_SEED", "0"))

# The generator warns of itself: of bodies that it finds long to print, and of its own use of chance.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
    pytest.mark.filterwarnings("ignore:Do not use the .random. module"),
]


@dataclass
class Outcome:
    """What a run has seen."""

    failures: list[str] = field(default_factory=list)
    succeeded: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def fuzzed_app(settings, dsn) -> Iterator[FastAPI]:
    """The application in the event loop that Schemathesis keeps for it."""
    logs.configure(fmt="console", level="CRITICAL")
    app = create_app(settings.model_copy(update={"sign_in_failures_per_minute": 10_000_000}), dsn=dsn)
    with asgi.get_client(app):
        yield app
    asgi.shutdown_lifespans()


@pytest.fixture
def fuzzed_firm(fuzzed_app) -> Firm:
    """A firm that no limit stops."""
    return asgi._get_portal().call(lambda: make_firm(fuzzed_app, per_minute=10_000_000, per_day=10_000_000))


@pytest.mark.trial
@pytest.mark.timeout(1800)
def test_whole_document(fuzzed_app, fuzzed_firm):
    config = {
        **({"seed": SEED} if SEED else {}),
        "generation": {"max-examples": 250 if SEED else 5, "deterministic": not SEED, "database": "none"},
        "phases": {"stateful": {"enabled": bool(SEED)}, "coverage": {"unexpected-methods": ["TRACE", "PUT"]}},
    }
    outcome = fuzz(fuzzed_app, fuzzed_firm, config)
    assert outcome.failures == [], f"FUZZ_SEED={SEED}"
    assert len(outcome.tried) == len(operation_names())
    assert sum(outcome.checks.values()) > 10_000
    assert outcome.statuses[200] + outcome.statuses[201] > 100
    if SEED:  # it takes long until chance has met every condition once
        assert outcome.succeeded >= operation_names() - HARD_TO_MEET
    assert_key_still_works(fuzzed_app, fuzzed_firm)


# These need a state that chance hardly makes; each has a test of its own feature.
HARD_TO_MEET = {
    "POST /v1/servicios/cases",
    "DELETE /v1/servicios/webhooks/{uuid}/secret/rotation",
    "POST /v1/servicios/webhooks/{uuid}/secret/promote",
    "POST /v1/servicios/webhooks/{uuid}/deliveries/{delivery}/resend",
    "PUT /v1/servicios/sandbox/clock",
}


def fuzz(app: FastAPI, firm: Firm, config: dict[str, Any]) -> Outcome:
    with asgi.get_client(app) as client:
        known = Known(client, app, firm)
    config |= {
        "headers": {"Authorization": f"Bearer {firm.key}"},
        "checks": {"positive_data_acceptance": {"enabled": False}},
        # Any other firm is a 403 and would hide everything behind it.
        "parameters": {"header.X-Tenant-ID": firm.id},
        **known.config(),
    }
    made = SchemathesisConfig.from_dict(config)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=made)
    outcome = Outcome()
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            look_at(event, outcome)
        elif isinstance(event, events.NonFatalError):
            # A failure that did not come again is a group, whose members say what it was.
            causes = getattr(event.value, "exceptions", [event.value])
            outcome.failures += [f"{event.label}: {cause!r} {cause}" for cause in causes]
        elif isinstance(event, events.FatalError):
            raise event.exception
    return outcome


def look_at(event: events.ScenarioFinished, outcome: Outcome) -> None:
    recorder = event.recorder
    for case_id, interaction in recorder.interactions.items():
        if interaction.response is None or case_id not in recorder.cases:
            continue
        operation = recorder.cases[case_id].value.operation.label
        outcome.tried.add(operation)
        outcome.statuses[interaction.response.status_code] += 1
        if 200 <= interaction.response.status_code < 300:
            outcome.succeeded.add(operation)
    for checks in recorder.checks.values():
        for check in checks:
            outcome.checks[check.name] += 1
            if check.failure_info:
                failure = check.failure_info.failure
                outcome.failures.append(
                    f"{recorder.label}: {failure.title}\n{failure.message}\n{check.failure_info.code_sample}"
                )


class Known:
    """Rows that exist, so that the paths lead somewhere."""

    def __init__(self, client: Any, app: FastAPI, firm: Firm) -> None:
        self._client, self._firm = client, firm
        # Dictionaries by name. The run deletes the doomed ones, and what hangs on the others stays.
        self._known: dict[str, list[str]] = {"category": ["civil"], "user": [firm.owner_id]}
        self._make_matters()
        self._make_connections()
        self._make_agenda()
        self._make_website()
        self._known["event"] = [self._call("GET", "events")["data"][0]["id"]]
        self._known["act"] = [self._call("GET", "audit-log")["data"][0]["id"]]
        self._known["message"] = [asgi._get_portal().call(lambda: send(app, firm.id))]
        asgi._get_portal().call(app.state.request_log.flush)
        self._known["request"] = [self._call("GET", "requests")["data"][0]["request_id"]]

    def _make_matters(self) -> None:
        client_id = self._create("clients", name="Persona de Ejemplo")
        # The run archives some of these; the one above stays as it is.
        others = [self._create("clients", name=f"Persona {number}") for number in range(8)]
        case = {"client_id": client_id, "category": "civil", "title": "Reclamación de cantidad"}
        case_id = self._create("cases", **case)
        note_id = self._create(f"cases/{case_id}/notes", content="Llamar mañana")
        self._known |= {"case_client": [client_id], "client": others, "case": [case_id], "note": [note_id]}

    def _make_connections(self) -> None:
        hook = {"url": "https://example.com/hook", "events": ["*"]}
        webhook, *doomed = [self._create("webhooks", **hook) for _ in range(4)]
        app = {"name": "Programa", "redirect_uris": ["https://app.example/cb"], "scopes": ["read:cases"]}
        kept, *doomed_apps = [self._create("oauth-apps", **app) for _ in range(4)]
        self._known |= {
            "webhook": [webhook],
            "doomed_webhook": doomed,
            "delivery": [self._create(f"webhooks/{webhook}/test")],
            "app": [kept],
            "doomed_app": doomed_apps,
            "key": [self._create("api-keys", name="Otra", scopes=["read:cases"])],
        }

    def _make_agenda(self) -> None:
        schedule, *schedules = [self._create("schedules", name=f"Turno {n}", weekly=[]) for n in range(4)]
        calendar, *calendars = [
            self._create("holiday-calendars", name=f"Madrid {n}", region="MD") for n in range(4)
        ]
        days = self._call("GET", f"holiday-calendars/{calendar}/days")["data"]
        when = {"start": "2030-01-01T08:00:00Z", "end": "2030-01-02T08:00:00Z"}
        free = {"provider_id": self._firm.owner_id, "duration_minutes": 30, "bypass_rules": True}
        bookings = [self._create("bookings", start=f"2030-03-0{n}T10:00:00Z", **free) for n in range(1, 7)]
        hold = {"start": "2030-03-07T10:00:00Z", **free}
        self._known |= {
            "service": [self._call("GET", "booking-services")["data"][0]["id"]],
            "service_slug": ["consulta"],
            "room": [self._create("rooms", name="Sala")],
            "schedule": [schedule],
            "doomed_schedule": schedules,
            "date": ["2030-05-17"],
            "time_off": [self._create("time-off", **when) for _ in range(4)],
            "holiday_calendar": [calendar],
            "doomed_holiday_calendar": calendars,
            "holiday": [day["id"] for day in days[:20]],
            "booking": bookings,
            "hold": [self._create("bookings/holds", **hold)],
            "feed": [self._create("calendar-feeds", name=f"Agenda {n}") for n in range(3)],
        }

    def _make_website(self) -> None:
        ask = {"name": "Visita", "email": "visita@example.com", "message": "¿Cuánto cuesta?"}
        guests = [
            self._create("clients", name=f"Clienta {n}", email=f"clienta{n}@example.com") for n in range(3)
        ]
        key = {"name": "Web", "origins": ["https://www.example.com"]}
        self._known |= {
            "inquiry": [self._create("inquiries", **ask) for _ in range(3)],
            "review": [self._create("reviews", client_id=guest) for guest in guests],
            "publishable_key": [self._create("publishable-keys", **key) for _ in range(4)],
        }

    def config(self) -> dict[str, Any]:
        """Return the known ids as dictionaries, and which parameter draws from which."""
        dictionaries = {name: {"values": values} for name, values in self._known.items()}
        return {"dictionaries": dictionaries, "operations": list(self._bindings())}

    def _bindings(self) -> Iterator[dict[str, Any]]:
        # Each path fits one line: of several, one alone would count.
        for path, names in (
            ("cases/{uuid}(?!/notes/)", {"uuid": "case"}),
            ("cases/{uuid}/notes/{note}", {"uuid": "case", "note": "note"}),
            ("clients/{uuid}", {"uuid": "client"}),
            ("users/{uuid}", {"uuid": "user"}),
            ("webhooks/{uuid}$", {"uuid": "doomed_webhook"}),
            ("webhooks/{uuid}/(?!deliveries/)", {"uuid": "webhook"}),
            ("webhooks/{uuid}/deliveries/", {"uuid": "webhook", "delivery": "delivery"}),
            ("oauth-apps/{uuid}$", {"uuid": "doomed_app"}),
            ("oauth-apps/{uuid}/", {"uuid": "app"}),
            ("events/{uuid}", {"uuid": "event"}),
            ("audit-log/{uuid}", {"uuid": "act"}),
            ("messages/{uuid}", {"uuid": "message"}),
            ("requests/{request_id}", {"request_id": "request"}),
            ("booking-services/{uuid}", {"uuid": "service"}),
            ("rooms/{uuid}", {"uuid": "room"}),
            ("schedules/{uuid}$", {"uuid": "doomed_schedule"}),
            ("schedules/{uuid}/overrides$", {"uuid": "schedule"}),
            ("schedules/{uuid}/overrides/{date}", {"uuid": "schedule", "date": "date"}),
            ("time-off/{uuid}", {"uuid": "time_off"}),
            ("holiday-calendars/{uuid}$", {"uuid": "doomed_holiday_calendar"}),
            ("holiday-calendars/{uuid}/(?!days/)", {"uuid": "holiday_calendar"}),
            ("holiday-calendars/{uuid}/days/", {"uuid": "holiday_calendar", "day": "holiday"}),
            ("bookings/{uuid}", {"uuid": "booking"}),
            ("bookings/holds/{uuid}", {"uuid": "hold"}),
            ("calendar-feeds/{uuid}", {"uuid": "feed"}),
            ("inquiries/{uuid}", {"uuid": "inquiry"}),
            ("reviews/{uuid}", {"uuid": "review"}),
            ("publishable-keys/{uuid}", {"uuid": "publishable_key"}),
            ("public/services/{service}", {"service": "service_slug"}),
            # Always the other key: the run must not revoke its own.
            ("api-keys/{uuid}", {"uuid": "key"}),
        ):
            yield {
                "include-path-regex": f"^/v1/servicios/{path.replace('{', '[{]').replace('}', '[}]')}",
                "parameters": {
                    f"path.{parameter}": {"dictionary": name, "probability": 1.0 if name == "key" else 0.7}
                    for parameter, name in names.items()
                },
            }
        yield {
            "include-name": "POST /v1/servicios/cases",
            "parameters": {
                "body.client_id": {"dictionary": "case_client", "probability": 0.8},
                "body.category": {"dictionary": "category", "probability": 0.8},
                "body.assigned_provider_id": {"dictionary": "user", "probability": 0.8},
            },
        }

    def _create(self, path: str, **body: Any) -> str:
        return str(self._call("POST", path, body)["id"])

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._firm.key}"}
        answer = self._client.request(method, f"/v1/servicios/{path}", json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json()


def operation_names() -> set[str]:
    from conecta import openapi

    paths = openapi.document("http://testserver")["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def assert_key_still_works(app: FastAPI, firm: Firm) -> None:
    with asgi.get_client(app) as client:
        answer = client.get("/v1/servicios/usage", headers={"Authorization": f"Bearer {firm.key}"})
    assert answer.status_code == 200, "the run has lost its own key, so that it saw nothing but 401"
