"""Public ids: typed, sortable by time, and readable back from the bare UUID."""

import re
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.kit import ids

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def decode(public_id: str) -> uuid.UUID:
    number = 0
    for digit in public_id.rpartition("_")[2]:
        number = number * 32 + ALPHABET.index(digit)
    return uuid.UUID(int=number)


def test_new_id_is_a_uuid7_of_this_moment():
    before = time.time_ns() // 1_000_000
    made = ids.new_id("cli")
    after = time.time_ns() // 1_000_000
    assert re.fullmatch(rf"cli_[{ALPHABET}]{{26}}", made)
    value = decode(made)
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert before <= value.int >> 80 <= after


def test_ids_do_not_repeat():
    assert len({ids.new_id("x") for _ in range(100_000)}) == 100_000


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_ids_sort_like_their_numbers(one, other):
    assert (ids.encode("x", one) < ids.encode("x", other)) is (one < other)


@given(st.uuids())
def test_bare_uuid_means_the_same_row(value):
    public = ids.encode("cli", value.int)
    assert decode(public) == value
    assert ids.canonical("cli", str(value)) == public
    assert ids.canonical("cli", str(value).upper()) == public
    assert ids.canonical("cli", public) == public


@given(st.text(max_size=100))
def test_whatever_somebody_sends_is_storable_or_nothing(text):
    found = ids.canonical("cli", text)
    assert found is None or re.fullmatch(r"[A-Za-z0-9_-]{1,64}", found)


@pytest.mark.parametrize("text", ["", "a b", "x" * 65, "ñ", "\x00", "cli_x\n", "{x}", "../x", "a%20b"])
def test_what_no_row_can_be_called(text):
    assert ids.canonical("cli", text) is None


async def test_both_forms_over_http(api):
    made = (await api.post("/clients", json={"name": "Ana"})).json()
    bare = str(decode(made["id"]))
    for form in (made["id"], bare, bare.upper()):
        answer = await api.get(f"/clients/{form}")
        assert (answer.status_code, answer.json()) == (200, made)
    assert (await api.patch(f"/clients/{bare}", json={"language": "en"})).json()["id"] == made["id"]


async def test_id_of_another_kind_is_nobody(api, firm):
    for other in (firm.owner_id, firm.id, "cli_", "cas_" + "0" * 26):
        assert (await api.get(f"/clients/{other}")).status_code == 404
