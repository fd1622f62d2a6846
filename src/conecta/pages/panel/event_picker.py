"""The picker of events in a webhook's form: everything, whole groups, or single events of the catalogue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from conecta.events.catalogue import CATALOGUE
from conecta.events.types import EventType
from conecta.kit.language import Text

_GROUPS: Final = {
    "case": Text("Expedientes", "Cases"),
    "client": Text("Clientes", "Clients"),
    "booking": Text("Citas", "Bookings"),
    "invoice": Text("Facturas", "Invoices"),
    "payment": Text("Cobros", "Payments"),
    "document": Text("Documentos", "Documents"),
    "inquiry": Text("Consultas", "Inquiries"),
    "review": Text("Reseñas", "Reviews"),
    "signature": Text("Firmas", "Signatures"),
    "webhook": Text("Webhooks", "Webhooks"),
}


@dataclass(frozen=True)
class EventGroup:
    """Events that begin alike, with the filter that lets all of them through."""

    label: Text
    pattern: str
    events: Sequence[EventType]

    def ticked(self, chosen: Iterable[str]) -> int:
        """How many of the group's boxes are ticked."""
        return len({self.pattern, *(event.name for event in self.events)} & set(chosen))


def groups(chosen: Iterable[str] = ()) -> list[EventGroup]:
    """Return the catalogue by groups, in its own order.

    Trials reach an endpoint whatever it chose; their group is shown only to who has chosen it already.
    """
    wants_trials = any(pattern.startswith("webhook.") for pattern in chosen)
    found: dict[str, list[EventType]] = {}
    for event in CATALOGUE:
        group = event.name.partition(".")[0]
        if group != "webhook" or wants_trials:
            found.setdefault(group, []).append(event)
    return [
        EventGroup(_GROUPS.get(name, Text(name, name)), f"{name}.*", events) for name, events in found.items()
    ]


def simplest(chosen: Sequence[str]) -> list[str]:
    """Drop what a wider filter lets through anyway: `*` before all, a group before its events."""
    if "*" in chosen:
        return ["*"]
    return [
        pattern
        for pattern in dict.fromkeys(chosen)
        if pattern.endswith(".*") or f"{pattern.partition('.')[0]}.*" not in chosen
    ]
