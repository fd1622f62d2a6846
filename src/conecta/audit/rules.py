"""How the audit log reads as CSV. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from conecta.kit.language import Text

BYTE_ORDER_MARK: Final = "\ufeff"  # without it Excel takes UTF-8 for something else
COLUMNS: Final[Sequence[Text]] = (
    Text("Fecha (UTC)", "Date (UTC)"),
    Text("Acto", "Act"),
    Text("Código", "Code"),
    Text("Tipo de autor", "Type of actor"),
    Text("Id. de autor", "Actor id"),
    Text("Autor", "Actor"),
    Text("Sobre", "Target"),
    Text("Detalles", "Details"),
    Text("Dirección", "Address"),
    Text("Programa", "Program"),
    Text("Id.", "Id"),
)
# What a spreadsheet takes for a formula, and what it drops before it looks.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_text(rows: Iterable[Sequence[str | None]]) -> str:
    """Write rows as CSV that a Spanish spreadsheet opens by itself: semicolons, and no cell is a formula."""
    target = io.StringIO()
    writer = csv.writer(target, delimiter=";", lineterminator="\r\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return target.getvalue()


def _cell(value: str | None) -> str:
    if not value:
        return ""
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value
