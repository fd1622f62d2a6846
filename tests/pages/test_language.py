"""Spanish first, English second: every text has both, and a reader gets theirs."""

import re
from pathlib import Path

import jinja2.ext
from babel.messages.pofile import read_po

from conecta.pages import i18n, rendering

TEMPLATES = Path(rendering.__file__).parent / "templates"
LOCALE = Path(rendering.__file__).parent / "locale" / "en"
OPTIONS = {"extensions": "jinja2.ext.i18n", "trimmed": "true", "silent": "false"}


def texts() -> dict[str | tuple[str, str], list[str]]:
    """Return every Spanish text of the templates (a pair when it counts) and where it stands."""
    found: dict[str | tuple[str, str], list[str]] = {}
    for path in sorted(TEMPLATES.rglob("*.html")):
        with path.open("rb") as file:
            for line, _, text, _ in jinja2.ext.babel_extract(file, ("_", "gettext", "ngettext"), [], OPTIONS):
                key = tuple(part for part in text if part)[:2] if isinstance(text, tuple) else text
                found.setdefault(key, []).append(f"{path.relative_to(TEMPLATES)}:{line}")
    return found


def test_every_text_has_its_english():
    english = i18n.english()
    missing = [
        f"{key}  ({places[0]})"
        for key, places in texts().items()
        if (key if isinstance(key, str) else key[0]) not in english
    ]
    assert not missing, "src/conecta/pages/locale/en/*.po lack:\n" + "\n".join(missing)


def test_no_english_is_left_over_or_contradicts_another():
    """A translation whose Spanish is gone would be kept for ever."""
    wanted = {key if isinstance(key, str) else key[0] for key in texts()}
    seen: dict[str, object] = {}
    for path in sorted(LOCALE.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="en"):
                key = message.id if isinstance(message.id, str) else message.id[0]
                if key:
                    assert key in wanted, f"{path.name}: nobody says «{key}»"
                    assert seen.setdefault(key, message.string) == message.string, f"two English for «{key}»"


def test_placeholders_are_the_same_in_both_languages():
    for key, forms in i18n.english().items():
        names = set(re.findall(r"%\((\w+)\)", key))
        for form in forms:
            assert set(re.findall(r"%\((\w+)\)", form)) <= names, key
        assert names == set(re.findall(r"%\((\w+)\)", forms[-1])), key


async def test_a_reader_gets_the_language_of_their_browser(visitor):
    for header, tag in (
        ("es-ES,es;q=0.9", "es"),
        ("en-GB,en;q=0.9,es;q=0.1", "en"),
        ("fr", "es"),
        ("", "es"),
    ):
        answer = await visitor.get("/panel/nothing", headers={"Accept-Language": header})
        assert f'<html lang="{tag}">' in answer.text
        assert answer.headers["content-language"] == tag


async def test_the_language_somebody_chose_stays(owner):
    answer = await owner.send("/panel/keys", {"language": "en"}, action="/language")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/panel/keys"
    english = await owner.get("/panel/keys", headers={"Accept-Language": "es"})
    assert '<html lang="en">' in english.text
    assert "API keys" in english.text
    missing = await owner.get("/panel/nothing", headers={"Accept-Language": "es"})
    assert '<html lang="en">' in missing.text


async def test_the_choice_of_language_leads_nowhere_else(owner):
    for elsewhere in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "",
        "/\tevil",
        "javascript:x",
    ):
        answer = await owner.send("/panel/keys", {"language": "en", "next": elsewhere}, action="/language")
        assert answer.headers["location"] == "/panel"


async def test_the_language_is_chosen_on_the_answer_of_a_form_too(owner):
    """Its address takes no GET; the way back leads to the page the form stood on."""
    answer = await owner.send("/panel/webhooks/new", {"url": "http://127.0.0.1:9/x", "events": ["*"]})
    chosen = await owner.send_from(answer, {"language": "en"}, action="/language")
    assert chosen.headers["location"] == "/panel/webhooks"
    address = re.search(r"/panel/webhooks/whk_\w+", answer.text)[0]
    rotating = await owner.send(f"{address}/secret", action=f"{address}/secret/rotate")
    chosen = await owner.send_from(rotating, {"language": "es"}, action="/language")
    assert chosen.headers["location"] == f"{address}/secret"
    assert (await owner.get(chosen.headers["location"])).status_code == 200
