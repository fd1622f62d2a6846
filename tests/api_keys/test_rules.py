"""The form of a key: told apart from other vendors', refused without the database when mistyped."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.api_keys import rules

FORM = re.compile(r"sk_(live|test)_cnt_[0-9A-Za-z]{36}")
# What leak scanners take for another vendor's key: the prefix, then letters and digits only.
OTHER_VENDORS = re.compile(r"sk_(live|test)_[0-9a-zA-Z]{10,99}\b")


@pytest.mark.parametrize("mode", ["live", "test"])
def test_new_keys_have_the_form_and_differ(mode):
    keys = {rules.new_key(mode) for _ in range(1000)}
    assert len(keys) == 1000
    assert all(FORM.fullmatch(key) and key.startswith(f"sk_{mode}_cnt_") for key in keys)
    assert all(rules.is_well_formed(key) for key in keys)
    assert not any(OTHER_VENDORS.search(key) for key in keys)


@given(st.integers(12, 47), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))
def test_one_wrong_character_is_noticed(place, character):
    key = rules.new_key("live")
    typo = key[:place] + character + key[place + 1 :]
    assert rules.is_well_formed(typo) is (typo == key)


@given(st.text(max_size=60))
def test_other_texts_are_no_keys(text):
    assert not rules.is_well_formed(text)
    assert not rules.is_well_formed(f"sk_live_cnt_{text}")


def test_live_key_is_no_test_key():
    assert not rules.is_well_formed(rules.new_key("live").replace("live", "test"))


def test_hint_tells_keys_apart_and_opens_nothing():
    key = rules.new_key("live")
    shown = rules.hint(key)
    assert shown == f"{key[:16]}…{key[-4:]}"
    assert len(key) - len(shown.replace("…", "")) >= 28
