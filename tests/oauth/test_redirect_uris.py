"""Which redirect URIs may be registered, and which ones match a registered one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.oauth import rules

GOOD = [
    "https://app.example/callback",
    "https://app.example",
    "https://app.example:8443/a/b?tenant=7&x=",
    "https://xn--bufete-8ta.example/cb",
    "https://192.0.2.7/cb",
    "https://[2001:db8::7]/cb",
    "http://127.0.0.1:8765/callback",
    "http://[::1]/cb",
    "http://localhost:3000/cb",
]
PRIVATE = ["com.example.app:/callback", "com.example.app:callback", "es.bufete.agenda:/"]
BAD = [
    "",
    "app.example/callback",
    "/callback",
    "//app.example/cb",
    "http://app.example/cb",
    "http://10.0.0.1/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://localhost.evil.example/cb",
    "http://0.0.0.0/cb",
    "https://app.example/cb#x",
    "https://app.example/cb#",
    "https://user@app.example/cb",
    "https://user:pass@app.example/cb",
    "https://app.example@evil.example/cb",
    "https://app.example:0/cb",
    "https://app.example:99999/cb",
    "https://app.example:x/cb",
    "https:///cb",
    "https://",
    "https://app..example/cb",
    "https://-app.example/cb",
    "https://bufete.ñandú.example/cb",
    "https://аpp.example/cb",
    "https://app.example/cb\n",
    "https://app.example/c b",
    "https://app.example\\@evil.example/cb",
    "https://app.example/../cb",
    "https://app.example/a/./cb",
    "https://app.example/a/%2e%2e/cb",
    "https://app.example/%2Fcb",
    "https://app.example/cb?code=x",
    "https://app.example/cb?a=1&iss=x",
    "https://app.example/" + "a" * 2000,
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "ftp://app.example/cb",
    "intent://app#Intent",
    "myapp:/callback",
    "myapp://callback",
    "com.example.app://callback",
]


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("uri", GOOD)
def test_may_be_registered(uri, public):
    assert rules.redirect_uri_fault(uri, public=public) is None


@pytest.mark.parametrize("uri", PRIVATE)
def test_a_scheme_of_its_own_is_for_public_apps(uri):
    assert rules.redirect_uri_fault(uri, public=True) is None
    assert rules.redirect_uri_fault(uri, public=False) is not None


@pytest.mark.parametrize("public", [True, False])
@pytest.mark.parametrize("uri", BAD)
def test_may_not_be_registered(uri, public):
    fault = rules.redirect_uri_fault(uri, public=public)
    assert fault is not None
    assert fault.es
    assert fault.en.isascii()


@given(st.text(max_size=80))
def test_no_text_is_an_error_of_ours(text):
    rules.redirect_uri_fault(text, public=True)
    rules.redirect_uri_fault("https://" + text, public=False)
    rules.is_registered("http://127.0.0.1" + text, ["http://127.0.0.1/cb"], public=True)


@given(st.text(alphabet="ab/:.?@%[]0189", max_size=12))
def test_only_the_port_of_a_loopback_uri_varies(rest):
    registered = ["http://127.0.0.1:1/cb?x=1"]
    uri = "http://127.0.0.1" + rest
    if rules.is_registered(uri, registered, public=True):
        port, _, path = rest.partition("/")
        assert path == "cb?x=1"
        assert port == "" or (port[0] == ":" and 0 < int(port[1:]) < 65536)


@pytest.mark.parametrize("uri", GOOD)
def test_matches_itself_only(uri):
    assert rules.is_registered(uri, [uri], public=False)
    for other in (uri + "/", uri + "?", uri.upper(), uri[:-1], uri + "x", uri.replace("//", "///", 1)):
        if other != uri:
            assert not rules.is_registered(other, [uri], public=False)


def test_parameters_are_added_behind_those_there_are():
    added = [("code", "a b&c"), ("iss", "https://x")]
    assert rules.with_parameters("https://a.example/cb", added) == (
        "https://a.example/cb?code=a+b%26c&iss=https%3A%2F%2Fx"
    )
    assert rules.with_parameters("https://a.example/cb?x=%20&y", [("code", "1")]) == (
        "https://a.example/cb?x=%20&y&code=1"
    )
    assert rules.with_parameters("https://a.example/cb?", [("code", "1")]) == "https://a.example/cb?code=1"
