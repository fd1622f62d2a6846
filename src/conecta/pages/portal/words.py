"""How the portal calls what a client sees, and in which colour it is shown."""

from collections.abc import Mapping
from typing import Final

from conecta.kit.language import Text
from conecta.pages.panel.words import Word

CASE_STATUS: Final[Mapping[str, Word]] = {
    "open": Word(Text("En curso", "In progress"), "success"),
    "on_hold": Word(Text("En espera", "On hold"), "warning"),
    "closed": Word(Text("Cerrado", "Closed"), "neutral"),
    "archived": Word(Text("Archivado", "Archived"), "neutral"),
}

# The filters of the list: what the address says, how the API filters, and how people call it.
CASE_FILTERS: Final[Mapping[str, tuple[str | None, Text]]] = {
    "current": ("open,on_hold", Text("En marcha", "Under way")),
    "finished": ("closed,archived", Text("Terminados", "Finished")),
    "all": (None, Text("Todos", "All")),
}

ACTIVITIES: Final[Mapping[str, Text]] = {
    "created": Text("Expediente abierto", "Case opened"),
    "status_changed": Text("Cambio de estado", "Change of state"),
    "closed": Text("Expediente cerrado", "Case closed"),
    "reopened": Text("Expediente reabierto", "Case reopened"),
}

BOOKING_STATUS: Final[Mapping[str, Word]] = {
    "pending": Word(Text("Sin confirmar", "Not confirmed"), "warning"),
    "confirmed": Word(Text("Confirmada", "Confirmed"), "success"),
    "completed": Word(Text("Celebrada", "Took place"), "neutral"),
    "no_show": Word(Text("No asististe", "You did not come"), "neutral"),
    "cancelled": Word(Text("Cancelada", "Cancelled"), "danger"),
}

# The filters of the list of bookings, as those of cases.
BOOKING_FILTERS: Final[Mapping[str, tuple[str | None, Text]]] = {
    "next": ("pending,confirmed", Text("Próximas", "Coming up")),
    "all": (None, Text("Todas", "All")),
}

LOCATIONS: Final[Mapping[str, Text]] = {
    "office": Text("En el despacho", "At the office"),
    "phone": Text("Por teléfono", "By phone"),
    "video": Text("Por videollamada", "By video call"),
    "client_address": Text("En tu dirección", "At your address"),
}

TAX_ID_TYPES: Final[Mapping[str, Text]] = {
    "nif": Text("NIF", "NIF"),
    "nie": Text("NIE", "NIE"),
    "cif": Text("CIF", "CIF"),
    "vat": Text("NIF-IVA", "VAT number"),
    "passport": Text("Pasaporte", "Passport"),
    "other": Text("Identificador fiscal", "Tax id"),
}
