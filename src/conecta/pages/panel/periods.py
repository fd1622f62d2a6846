"""Days that a reader chooses, as the moments in which they begin and end in the firm's zone."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from conecta.kit.errors import FieldError, InvalidParameter
from conecta.kit.language import Text
from conecta.pages.web import Page


def chosen(page: Page, first: str = "from", last: str = "to") -> dict[str, str | None]:
    """Read the period in the address, both days included, as the filters of the API's lists.

    Raises InvalidParameter for what is no day.
    """
    return {
        "created_after": _beginning(page, first, days_later=0),
        "created_before": _beginning(page, last, days_later=1),
    }


def _beginning(page: Page, name: str, *, days_later: int) -> str | None:
    text = page.request.query_params.get(name, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=days_later)
        moment = datetime.combine(day, time(), ZoneInfo(page.person.time_zone))
        return moment.isoformat()
    except (ValueError, OverflowError):
        sentence = Text("Formato: 2026-12-31.", "Format: 2026-12-31.")
        raise InvalidParameter(errors=[FieldError(name, "type", str(sentence))]) from None
