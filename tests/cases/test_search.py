"""Searching cases in Spanish: with or without accents, in any of a word's forms, and never an error."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conecta.cases import rules
from tests.cases.arrange import new_case, new_client


@pytest.fixture
async def library(api):
    """Some cases with words worth looking for."""
    client_id = await new_client(api)
    texts = {
        "cantidad": ("Reclamación de cantidad", "Deuda de 5.000€ por servicios prestados"),
        "plano": ("Reclamacion de los danos", "escrito sin acentos"),
        "despido": ("Despido improcedente", "La indemnización por despido de los trabajadores"),
        "nino": ("Custodia del niño", 'El llamado "pacto de familia" no consta'),
        "raro": ("C++ & | ! <-> ( ) : * ' \\ \"", "%s %(q)s {number} -- ; drop table cases"),
    }
    made = {
        name: await new_case(api, client_id, title=title, description=text)
        for name, (title, text) in texts.items()
    }
    made["externo"] = await new_case(
        api, client_id, title="Otro", description=None, external_id="CRM-2026-88"
    )
    return made


async def _found(api, library, query):
    answer = await api.get("/cases", params={"q": query, "sort": "created_at"})
    assert answer.status_code == 200, answer.text
    names = {case["id"]: name for name, case in library.items()}
    return [names[case["id"]] for case in answer.json()["data"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("reclamación", ["cantidad", "plano"]),
        ("RECLAMACION", ["cantidad", "plano"]),
        ("reclamaciones", ["cantidad"]),
        ("recla", ["cantidad", "plano"]),
        ("reclamaci", ["cantidad", "plano"]),
        ("daños", ["plano"]),
        ("deudas", ["cantidad"]),
        ("indemnizacion", ["despido"]),
        ("indemnizaciones trabajador", ["despido"]),
        ("trabaj", ["despido"]),
        ("niño", ["nino"]),
        ("nino", ["nino"]),
        ("NIÑOS", ["nino"]),
        ('"pacto de familia"', ["nino"]),
        ('"familia de pacto"', []),
        ("reclamación -deuda", ["plano"]),
        ("despido or custodia", ["despido", "nino"]),
        ("reclamación despido", []),
        ("prestados deu", ["cantidad"]),
        ("5.000", ["cantidad"]),
        ("drop table", ["raro"]),
        ("crm-2026-88", []),
        ("CRM-2026", ["externo"]),
        ("CRM-2026-88", ["externo"]),
        ("CRM-2026-888", []),
        ("CRM-%", []),
        ("CRM_2026", []),
    ],
)
async def test_what_is_found(api, library, query, names):
    assert await _found(api, library, query) == names


async def test_by_number(api, library):
    for name, case in library.items():
        assert await _found(api, library, case["number"]) == [name]
        assert await _found(api, library, f"  {case['number'].lower()} ") == [name]
    assert await _found(api, library, "EXP-1999-0001") == []


@pytest.mark.parametrize(
    "query",
    [
        "ñ ", "ññ", "''", '""', '"sin cerrar', "' or 1=1 --", "a & | b", "!!", "--", "<->", "a:*", ":*",
        "\\\\'", "%%", "%s", "%(q)s", "()", "(((", "de la", "el", "🙂🙂", "\u202eabc", "or or", "a b OR",
        "__", "x'y:A*",
        "١٢٣", "\u0301\u0301", "ﬁn", "a" * 200, "' " * 100, "-" * 200, '"a" ' * 40, "no-se-qué", "a\tb\nc",
    ],
)  # fmt: skip
async def test_nothing_is_an_error(api, library, query):
    answer = await api.get("/cases", params={"q": query, "include": "total"})
    assert answer.status_code == 200, (query, answer.text)
    assert answer.json()["total"] < len(library)


@settings(max_examples=400, deadline=None)
@given(
    st.text(alphabet="-\"'!&|()<>:*\\ aorOR1.,ñ\t/@_+", min_size=2, max_size=200)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=2, max_size=200)
)
def test_no_text_at_all_is_an_error(superuser, text):
    found = rules.search(text)
    superuser.execute(
        "select matching_cases(%s, %s, %s, %s)", [found.text, found.words, found.head, found.last_word]
    )


async def test_changes_are_found_at_once(api, library):
    case = library["despido"]
    await api.patch(f"/cases/{case['id']}", json={"title": "Embargo preventivo", "description": None})
    assert await _found(api, library, "despido") == []
    assert await _found(api, library, "embargos") == ["despido"]


async def test_with_other_filters_and_pages(api, library):
    both = [library["plano"]["id"], library["cantidad"]["id"]]
    first = (await api.get("/cases", params={"q": "reclamacion", "limit": 1, "include": "total"})).json()
    assert ([case["id"] for case in first["data"]], first["total"]) == (both[:1], 2)
    cursor = first["next_cursor"]
    second = (await api.get("/cases", params={"q": "reclamacion", "limit": 1, "cursor": cursor})).json()
    assert ([case["id"] for case in second["data"]], second["has_more"]) == (both[1:], False)
    await api.post(f"/cases/{both[0]}/close")
    narrowed = (await api.get("/cases", params={"q": "reclamacion", "status": "open"})).json()
    assert [case["id"] for case in narrowed["data"]] == both[1:]


@pytest.mark.parametrize(
    ("text", "words", "head", "last_word"),
    [
        ("deuda", "deuda", "", "deuda"),
        ("deuda civ", "deuda civ", "deuda ", "civ"),
        ("deuda -civ", "deuda -civ", "deuda -civ", None),
        ('"deuda civ', '"deuda civ', '"deuda civ', None),
        ('"deuda civil"', '"deuda civil"', '"deuda civil"', None),
        ("deuda c", "deuda c", "deuda c", None),
        ("EXP-2026", "EXP-2026", "EXP-2026", None),
        ("5.000", "5.000", "5.000", None),
        ("  año  ", "año", "", "año"),
        ("a - --b", "a -b", "a -b", None),
        ("a-!-(-b", "a-b", "a-b", None),
    ],
)
def test_the_last_word_may_be_unfinished(text, words, head, last_word):
    found = rules.search(text)
    assert (found.text, found.words, found.head, found.last_word) == (text.strip(), words, head, last_word)


async def test_the_beginning_of_the_tenants_own_id_finds_nothing(api, firm):
    # The tenant is one of the indexed words, so that the index never walks another firm's cases.
    await new_case(api, await new_client(api))
    for text in ("te", "tenant", firm.id, f"|{firm.id}"):
        assert (await api.get("/cases", params={"q": text})).json()["data"] == [], text
