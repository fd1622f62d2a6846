"""Logs are for operators, not for secrets: nothing that opens a door or names a person is in them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conecta.api_keys.rules import new_key
from conecta.kit.logs import redact

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
        ("authorization: bearer abc", "authorization: bearer ***"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"),
        ("GET /ver?auth_token=s3cr3t&x=1", "GET /ver?auth_token=***&x=1"),
        ("client_secret=abc code=def", "client_secret=*** code=***"),
        ('{"client_secret": "abc", "x": 1}', '{"client_secret": "***", "x": 1}'),
        ("refresh_token=abc password=def", "refresh_token=*** password=***"),
        ("GET /portal/tenant_01/links/Ab-3_x 200", "GET /portal/tenant_01/links/*** 200"),
        ("GET /reset/Ab-3_x 200", "GET /reset/*** 200"),
        ("GET /reviews/Ab-3_x 200", "GET /reviews/*** 200"),
        ("GET /v1/servicios/reviews/rev_01 200", None),
        ("GET /b/bufete/done/Ab-3_x 200", "GET /b/bufete/done/*** 200"),
        ("DELETE /v1/servicios/invitations/ivt_01 204", None),
        ("postgresql://conecta:hunter2@db/conecta", "postgresql://conecta:***@db/conecta"),
        ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
        ("http://127.0.0.1:8000/healthz", "http://127.0.0.1:8000/healthz"),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.sig", "***"),
        ("de ana.gil+x@bufete.example.es a eva@x.org", "de ***@*** a ***@***"),
        ("?email=ana%40example.com", "?email=***@***"),
        ("NIF 12345678Z, 12.345.678-z y 12345678-Z", "NIF ***, *** y ***"),
        ("NIE X1234567L y y-1234567-x", "NIE *** y ***"),
        ("CIF B12345674, A-58818501", "CIF ***, ***"),
        ("NIF especial K1234567L M1234567L", "NIF especial *** ***"),
        ("ESB12345674 ES12345678Z", "*** ***"),
        ("x\nDETAIL:  Failing row contains (Ana, 600).\ny", "x\nDETAIL: ***\ny"),
        ("expediente EXP-2026-0001 cli_01m7wbgc28efz8dbeq636vqtdj", None),
        ("200 GET /v1/servicios/clients 1234567 ms", None),
        ("", None),
    ],
)
def test_what_is_masked_and_what_is_not(text, shown):
    assert redact(text) == (text if shown is None else shown)


_around = st.text(st.characters(codec="utf-8"), max_size=20)
_letters = "TRWAGMYFPDXBNJZSQVHLCKE"


@given(_around, _around)
@example("", "")
def test_keys_never_survive(before, after):
    key = new_key("live")
    assert key not in redact(f"{before} {key} {after}")
    assert key not in redact(f"{before}{key}{after}")


@given(_around, st.integers(0, 99_999_999), _around)
def test_nifs_never_survive(before, number, after):
    nif = f"{number:08}{_letters[number % 23]}"
    for spelling in (nif, nif.lower(), f"{nif[:8]}-{nif[8]}", f"{nif[:2]}.{nif[2:5]}.{nif[5:8]}-{nif[8]}"):
        assert spelling not in redact(f"{before} {spelling} {after}")


@given(_around, st.emails(), _around)
def test_addresses_never_survive(before, address, after):
    local, _, domain = address.partition("@")
    if re.fullmatch(r"[\w.+%-]+", local) and re.fullmatch(r"[\w-]+(\.[\w-]+)+", domain):
        assert address not in redact(f"{before} {address} {after}")


@given(st.text(max_size=300))
def test_masking_twice_is_masking_once(text):
    assert redact(redact(text)) == redact(text)


def test_masking_a_long_text_is_quick():
    for text in ("a" * 100_000, "a." * 50_000, "1" * 100_000, "@" * 50_000, "eyJ." * 20_000, "://" * 30_000):
        redact(text)


@pytest.fixture(scope="module", params=["json", "console"])
def session_log(request, dsn, tmp_path_factory) -> tuple[str, str, list[str]]:
    """The format, the log and the secrets of a session of calls, run by a process of its own."""
    data_dir = tmp_path_factory.mktemp("session")
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.session_of_calls", dsn, str(data_dir), request.param],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return request.param, done.stderr, json.loads(done.stdout)


def test_session_of_calls_leaves_no_secret_in_the_log(session_log):
    _, log, hidden = session_log
    assert len(hidden) >= 12
    # The one text that a fault of ours carries is its own message, which we wrote ourselves.
    assert {secret for secret in hidden if secret in log} == set()


def test_session_of_calls_is_in_the_log(session_log):
    fmt, log, _ = session_log
    lines = log.splitlines()
    if fmt == "json":
        entries = [json.loads(line) for line in lines]
        calls = [entry for entry in entries if entry["event"] == "request"]
        assert {entry["status"] for entry in calls} >= {200, 201, 400, 401, 403, 404, 409, 422, 500}
        assert all(entry["request_id"] for entry in calls)
        faults = [entry for entry in entries if entry["event"] == "unexpected_error"]
        assert all("Traceback" in entry["exception"] for entry in faults)
        ids = [entry["request_id"] for entry in faults]
        assert len(ids) == len(set(ids)) >= 4, "each fault is logged once"
    else:
        assert sum(" GET /v1/servicios/clients " in line for line in lines) >= 4


def test_nobody_writes_lines_of_our_log(session_log):
    fmt, log, _ = session_log
    forged = [line for line in log.splitlines() if line.startswith("2026-01-01 200 GET /forged")]
    assert forged == []
    assert "\x1b[31m" not in log
    if fmt == "json":
        assert all(line.startswith("{") for line in log.splitlines())
