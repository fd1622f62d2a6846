"""Keyed hashes, sealed values and signed tokens, through a rotation of the root secret."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.kit.crypto import DecryptionError, KeyRing, fingerprint, root_secret

OLD, NEW = KeyRing("old secret"), KeyRing("new secret", "old secret")
STRANGER = KeyRing("another installation")


@given(st.binary(max_size=500))
def test_sealed_values_open_again(value):
    sealed = OLD.encrypt("notes", value)
    assert OLD.decrypt("notes", sealed) == value
    assert NEW.decrypt("notes", sealed) == value
    assert len(value) < 8 or value not in sealed


def test_sealing_twice_gives_two_texts():
    assert OLD.encrypt("notes", b"same") != OLD.encrypt("notes", b"same")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: bytes([sealed[0] ^ 1]) + sealed[1:],
        lambda sealed: sealed + b"\x00",
        lambda _sealed: b"",
        lambda _sealed: b"x" * 11,
        lambda _sealed: b"x" * 20,
    ],
)
def test_spoilt_values_do_not_open(spoil):
    with pytest.raises(DecryptionError):
        OLD.decrypt("notes", spoil(OLD.encrypt("notes", b"secret")))


def test_values_of_another_purpose_or_installation_do_not_open():
    sealed = OLD.encrypt("notes", b"secret")
    with pytest.raises(DecryptionError):
        OLD.decrypt("keys", sealed)
    with pytest.raises(DecryptionError):
        STRANGER.decrypt("notes", sealed)
    with pytest.raises(DecryptionError):
        OLD.decrypt("notes", NEW.encrypt("notes", b"secret"))


def test_rotation_keeps_hashes_findable_and_stores_the_newest():
    stored = OLD.hashes("api keys", "sk_x")[0]
    now = NEW.hashes("api keys", "sk_x")
    assert stored in now
    assert now[0] != stored
    assert NEW.hashes("api keys", "sk_y")[0] not in now
    assert OLD.hashes("other", "sk_x")[0] != stored


@given(st.binary(max_size=300))
def test_signed_tokens_read_back(payload):
    token = OLD.sign("cursors", payload)
    assert OLD.verify("cursors", token) == payload
    assert NEW.verify("cursors", token) == payload
    assert STRANGER.verify("cursors", token) is None
    assert OLD.verify("other", token) is None
    assert token.isascii()
    assert not set(token) & set("+/=&?%")


@given(st.text(max_size=100) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_nobody_elses_token_is_believed(token):
    assert OLD.verify("cursors", token) is None


@given(st.lists(st.binary(max_size=10), max_size=4), st.lists(st.binary(max_size=10), max_size=4))
def test_fingerprints_are_equal_only_of_equal_parts(one, other):
    assert (fingerprint(*one) == fingerprint(*other)) is (one == other)


def test_root_secret_is_made_once_and_private(tmp_path):
    for i in range(40):
        folder = tmp_path / f"deep{i}" / "data"
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(root_secret, [folder] * 16))
        assert len(found) == 1
        assert len(found.pop()) >= 64
        assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600


def test_root_secret_left_empty_by_a_crash_is_made_again(tmp_path):
    (tmp_path / "secret.key").touch()
    assert len(root_secret(tmp_path)) >= 64
    assert root_secret(tmp_path) == root_secret(tmp_path)
