"""The forms of an HTML page, read as a browser reads them: what would be sent when a button is pressed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Control:
    """One field of a form."""

    kind: str
    name: str
    value: str
    on: bool = True  # whether it is sent: ticked, chosen, not disabled
    label: str = ""


@dataclass
class Form:
    """One form: where it goes, and its controls in their order."""

    action: str
    method: str
    id: str = ""
    controls: list[Control] = field(default_factory=list)

    def sent(self, *, button: tuple[str, str] | None = None) -> list[tuple[str, str]]:
        """Return what a browser sends as the form stands."""
        kinds = {"submit", "button", "reset"}
        pairs = [(c.name, c.value) for c in self.controls if c.name and c.on and c.kind not in kinds]
        return [*pairs, button] if button else pairs

    def names(self) -> set[str]:
        return {control.name for control in self.controls}

    def all(self, name: str) -> list[Control]:
        return [control for control in self.controls if control.name == name]

    def tick(self, name: str, *values: str) -> None:
        """Leave exactly these of a group of boxes ticked, or this one radio chosen."""
        offered = {control.value for control in self.all(name)}
        assert set(values) <= offered, f"{name} offers {offered}, not {values}"
        for control in self.all(name):
            control.on = control.value in values

    def fill(self, **values: str) -> None:
        for name, value in values.items():
            (control,) = self.all(name)
            control.value, control.on = value, True


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.refresh = ""
        self._open: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._select: tuple[str, bool] | None = None
        self._area: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        got = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(got.get("action", ""), got.get("method", "get").lower(), got.get("id", ""))
            self.forms.append(self._open)
        elif tag == "a":
            self.links.append(got.get("href", ""))
        elif tag == "meta" and got.get("http-equiv", "").lower() == "refresh":
            self.refresh = got.get("content", "").partition("url=")[2]
        elif tag == "select":
            self._select = (got.get("name", ""), "disabled" not in got)
        elif tag == "option" and self._select:
            name, enabled = self._select
            self._add(Control("option", name, got.get("value", ""), enabled and "selected" in got), got)
        elif tag in {"input", "button", "textarea"}:
            kind = got.get("type", {"input": "text", "button": "submit"}.get(tag, "textarea")).lower()
            on = "disabled" not in got and (kind not in {"checkbox", "radio"} or "checked" in got)
            value = got.get("value", "on" if kind in {"checkbox", "radio"} else "")
            control = Control(kind, got.get("name", ""), value, on)
            self._add(control, got)
            self._area = control if tag == "textarea" else None

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.value += data
        self.texts.append(data)

    def _add(self, control: Control, attributes: dict[str, str]) -> None:
        named = next((form for form in self.forms if form.id and form.id == attributes.get("form")), None)
        form = named or self._open
        if form is not None:
            form.controls.append(control)


@dataclass
class Html:
    """What a page says and offers."""

    forms: list[Form]
    text: str
    links: list[str]
    refresh: str

    def form(self, *names: str) -> Form:
        """Return the one form that has all of these fields."""
        found = [form for form in self.forms if set(names) <= form.names()]
        assert len(found) == 1, f"{len(found)} forms with {names} on a page that says: {self.text[:400]}"
        return found[0]


def read_html(source: str) -> Html:
    """Read a page."""
    reader: Any = _Reader()
    reader.feed(source)
    reader.close()
    return Html(reader.forms, " ".join(" ".join(reader.texts).split()), reader.links, reader.refresh)
