"""How the firm's pages call what is on its agenda, and in which colour it is shown."""

from collections.abc import Mapping
from typing import Final

from conecta.kit.language import Text

from .words import Word

BOOKING_STATUS: Final[Mapping[str, Word]] = {
    "pending": Word(Text("Sin confirmar", "Not confirmed"), "warning"),
    "confirmed": Word(Text("Confirmada", "Confirmed"), "success"),
    "completed": Word(Text("Celebrada", "Took place"), "neutral"),
    "no_show": Word(Text("No se presentó", "Nobody came"), "neutral"),
    "cancelled": Word(Text("Cancelada", "Cancelled"), "danger"),
}

# What takes time besides bookings: its kind on the calendar, then its own kind.
TIME_OFF: Final[Mapping[str, Text]] = {
    "vacation": Text("Vacaciones", "Holiday"),
    "sick": Text("Baja", "Sick leave"),
    "training": Text("Formación", "Training"),
    "block": Text("Bloqueo", "Block"),
}
HOLIDAYS: Final[Mapping[str, Text]] = {
    "national": Text("Festivo nacional", "National holiday"),
    "regional": Text("Festivo autonómico", "Regional holiday"),
    "local": Text("Festivo local", "Local holiday"),
    "judicial": Text("Inhábil judicial", "No court time"),
    "office": Text("Cierre del despacho", "Office closed"),
}
EXTERNAL: Final[Mapping[str, Text]] = {
    "busy": Text("Otro calendario", "Other calendar"),
    "tentative": Text("Provisional", "Tentative"),
}
HELD: Final = Text("Hora retenida", "Held time")
BUSY: Final = Text("Ocupado", "Busy")

LOCATIONS: Final[Mapping[str, Text]] = {
    "office": Text("En el despacho", "At the office"),
    "phone": Text("Por teléfono", "By phone"),
    "video": Text("Por videollamada", "By video call"),
    "client_address": Text("En la dirección del cliente", "At the client's address"),
}
CONFIRMATIONS: Final[Mapping[str, Text]] = {
    "client": Text("Quien viene", "Who comes"),
    "firm": Text("El despacho", "The firm"),
}
SOURCES: Final[Mapping[str, Text]] = {
    "api": Text("Un programa de la firma", "A program of the firm"),
    "panel": Text("Este panel", "This panel"),
    "client": Text("El propio cliente", "The client"),
    "link": Text("Enlace de la cita", "Link of the booking"),
    "web": Text("La web del despacho", "The firm's website"),
    "sync": Text("Un calendario conectado", "A connected calendar"),
}
ATTENDANCE: Final[Mapping[str, Word]] = {
    "confirmed": Word(Text("Ha confirmado", "Confirmed"), "success"),
    "declined": Word(Text("No vendrá", "Will not come"), "warning"),
    "attended": Word(Text("Vino", "Came"), "neutral"),
    "no_show": Word(Text("No vino", "Did not come"), "neutral"),
}
ACTIONS: Final[Mapping[str, Text]] = {
    "created": Text("Reservada", "Booked"),
    "confirmed": Text("Confirmada", "Confirmed"),
    "rescheduled": Text("Cambiada de hora", "Moved"),
    "updated": Text("Datos cambiados", "Details changed"),
    "cancelled": Text("Cancelada", "Cancelled"),
    "completed": Text("Marcada como celebrada", "Marked as having taken place"),
    "no_show": Text("Marcada: no se presentó", "Marked: nobody came"),
}
ACTORS: Final[Mapping[str, Text]] = {
    "firm": Text("Un programa de la firma", "A program of the firm"),
    "user": Text("El despacho", "The firm"),
    "client": Text("El propio cliente", "The client"),
    "link": Text("Con el enlace de la cita", "By the link of the booking"),
    "visitor": Text("Desde la web del despacho", "From the firm's website"),
    "system": Text("Automático", "Automatic"),
}
