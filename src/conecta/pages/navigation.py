"""The menu of the panel: what there is, and where the reader stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conecta.kit.language import Text
from conecta.sessions.service import SignedIn


@dataclass(frozen=True)
class Entry:
    """One line of the menu."""

    path: str
    label: Text
    icon: str
    for_administrators: bool = True
    for_owners: bool = False
    also: str | None = None  # another path of the same part of the panel


@dataclass(frozen=True)
class Group:
    """Lines that belong together; the first group has no heading."""

    label: Text | None
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Link:
    """A line as it is shown to one reader on one page."""

    path: str
    label: Text
    icon: str
    current: bool


MENU: Final[Sequence[Group]] = (
    Group(None, (Entry("/panel", Text("Resumen", "Overview"), "home", for_administrators=False),)),
    Group(
        Text("Despacho", "Practice"),
        (
            Entry(
                "/panel/agenda",
                Text("Agenda", "Agenda"),
                "calendar",
                for_administrators=False,
                also="/panel/bookings",
            ),
            Entry("/panel/inquiries", Text("Consultas", "Inquiries"), "mail", for_administrators=False),
            Entry("/panel/reviews", Text("Reseñas", "Reviews"), "star", for_administrators=False),
        ),
    ),
    Group(
        Text("Integraciones", "Integrations"),
        (
            Entry("/panel/keys", Text("Claves de API", "API keys"), "key"),
            Entry("/panel/webhooks", Text("Webhooks", "Webhooks"), "webhook"),
            Entry("/panel/apps", Text("Aplicaciones OAuth", "OAuth apps"), "apps"),
            Entry("/panel/requests", Text("Registro de llamadas", "Request log"), "list"),
            Entry("/panel/sandbox", Text("Entorno de pruebas", "Sandbox"), "flask", also="/panel/messages"),
        ),
    ),
    Group(
        Text("Firma", "Firm"),
        (
            Entry("/panel/team", Text("Equipo", "Team"), "users"),
            Entry("/panel/website", Text("Web del despacho", "Website"), "external"),
            Entry("/panel/settings", Text("Ajustes", "Settings"), "settings"),
            Entry("/panel/audit", Text("Auditoría", "Audit log"), "shield", for_owners=True),
        ),
    ),
    Group(
        Text("Tu cuenta", "Your account"),
        (
            Entry(
                "/account",
                Text("Acceso y seguridad", "Access and security"),
                "lock",
                for_administrators=False,
            ),
            Entry(
                "/account/apps",
                Text("Aplicaciones conectadas", "Connected apps"),
                "plug",
                for_administrators=False,
            ),
        ),
    ),
)


def for_person(signed_in: SignedIn, path: str) -> list[tuple[Text | None, list[Link]]]:
    """Return the menu of somebody: only what their role lets them open, with the line they are at."""
    if signed_in.kind != "person":
        return []
    administers = signed_in.role in {"owner", "admin"}
    current = _current(path)
    groups = []
    for group in MENU:
        shown = [
            Link(entry.path, entry.label, entry.icon, entry.path == current)
            for entry in group.entries
            if (administers or not entry.for_administrators)
            and (signed_in.role == "owner" or not entry.for_owners)
        ]
        if shown:
            groups.append((group.label, shown))
    return groups


def _current(path: str) -> str:
    entries = [entry for group in MENU for entry in group.entries]
    places = {place: entry.path for entry in entries for place in (entry.path, entry.also) if place}
    fitting = [place for place in places if path == place or path.startswith(place + "/")]
    return places[max(fitting, key=len)] if fitting else ""
