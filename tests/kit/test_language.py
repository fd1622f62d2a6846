"""Spanish unless the caller likes English better."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.kit import language
from conecta.kit.language import Text


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "es"),
        ("*", "es"),
        ("es", "es"),
        ("en", "en"),
        ("EN", "en"),
        ("en-US", "en"),
        ("es-ES,es;q=0.9", "es"),
        ("en-GB,en;q=0.9", "en"),
        ("es,en", "es"),
        ("en,es", "en"),
        ("es;q=0.5,en;q=0.8", "en"),
        ("es;q=0.8, en;q=0.5", "es"),
        ("en;q=0.3,es;q=0.3", "en"),
        ("ca,en;q=0.5,es;q=0.4", "en"),
        ("fr, de", "es"),
        ("fr, *;q=0.5", "es"),
        ("en;q=0", "es"),
        ("es;q=0,en;q=0.1", "en"),
        ("en;q=0.001", "en"),
        ("en;Q=0.1,es;Q=0.9", "es"),
        ("en ; q=0.1 , es ; q=0.9", "es"),
        ("en;q=x", "es"),
        ("en;q=nan", "es"),
        ("en;q=", "es"),
        (";;;,,,", "es"),
        ("english", "es"),
        ("en-", "en"),
        ("\x00", "es"),
        ("en," * 1000, "en"),
    ],
)
def test_choice(header, expected):
    assert language.choose(header) == expected


@given(st.text(max_size=300))
def test_any_header_gives_one_of_the_two(header):
    assert language.choose(header) in {"es", "en"}


async def test_header_over_http(api):
    for header, expected in (("en", "en"), ("fr", "es"), ("es;q=0.1,en;q=0.2", "en"), ("xx;q=nan", "es")):
        answer = await api.get("/clients/cli_nobody", headers={"Accept-Language": header})
        assert answer.headers["content-language"] == expected
        assert answer.json()["title"] == {"es": "No encontrado", "en": "Not found"}[expected]


def test_values_are_put_into_both_languages():
    assert Text("Máximo {n}.", "At most {n}.").fill(n=3) == Text("Máximo 3.", "At most 3.")


def test_values_with_braces_are_not_filled_again():
    assert Text("{a}", "{a}").fill(a="{b}") == Text("{b}", "{b}")
