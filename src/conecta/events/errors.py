"""Refusals of events."""

from conecta.kit.errors import FieldError, InvalidParameter
from conecta.kit.language import Text


def foreign_cursor() -> InvalidParameter:
    """Refuse a cursor that we never wrote for this firm's feed."""
    return _invalid_cursor(
        Text("El cursor no es de este canal de eventos.", "The cursor is not one of this feed of events.")
    )


def outdated_cursor() -> InvalidParameter:
    """Refuse a cursor whose place in the feed was lost when the database was restored."""
    return _invalid_cursor(
        Text(
            "La base de datos se ha restaurado y el cursor ya no señala ningún punto: empieza sin cursor"
            " y descarta por su id los eventos que ya tengas.",
            "The database was restored and the cursor no longer marks a place: start without a cursor"
            " and drop, by their id, the events that you already have.",
        )
    )


def _invalid_cursor(message: Text) -> InvalidParameter:
    return InvalidParameter(errors=[FieldError("cursor", "invalid_cursor", str(message))])
