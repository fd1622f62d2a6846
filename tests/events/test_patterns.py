"""Filters of events: `*`, `group.*` and names, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.events.catalogue import BY_NAME, PATTERNS, known_name, known_pattern
from conecta.events.types import is_known_pattern, patterns_for
from conecta.kit.validation import Refused

words = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
names = st.builds("{}.{}".format, words, words)
noise = st.one_of(
    st.text(max_size=20),
    st.sampled_from(PATTERNS),
    st.sampled_from(PATTERNS).map(str.upper),
    st.sampled_from(PATTERNS).map(lambda pattern: pattern + "*"),
    st.sampled_from(PATTERNS).map(lambda pattern: pattern[:-1]),
    names,
    words.map("{}.*".format),
)


def lets_through(pattern: str, name: str) -> bool:
    """Say it in other words: a glob whose star stands alone or for all that follows the group."""
    if pattern != "*" and not re.fullmatch(r"[a-z]+\.(\*|[a-z_]+)", pattern):
        return False
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name, re.DOTALL) is not None


@given(name=names, pattern=noise | words.map("{}.*".format))
def test_a_filter_lets_through_what_a_glob_would(name, pattern):
    assert (pattern in patterns_for(name)) == lets_through(pattern, name)


@given(name=names)
def test_three_filters_let_an_event_through(name):
    assert len(set(patterns_for(name))) == 3
    assert all(lets_through(pattern, name) for pattern in patterns_for(name))


@given(pattern=noise)
def test_a_filter_is_known_when_it_lets_something_of_the_catalogue_through(pattern):
    known = any(lets_through(pattern, name) for name in BY_NAME)
    assert is_known_pattern(pattern, BY_NAME) == known == (pattern in PATTERNS)
    if known:
        assert known_pattern(pattern) == pattern
    else:
        with pytest.raises(Refused) as refused:
            known_pattern(pattern)
        assert refused.value.code == "unknown_event"
        assert ", ".join(PATTERNS) in refused.value.text.es


@given(name=noise)
def test_names_are_taken_only_as_they_are(name):
    if name in BY_NAME:
        assert known_name(name) == name
    else:
        with pytest.raises(Refused):
            known_name(name)
