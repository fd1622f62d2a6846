"""Where passkeys belong, and how a device is described."""

import pytest

from conecta.pages.devices import describe
from conecta.people.passkeys.service import Site, site_of

from .arrange import new_browser


@pytest.mark.parametrize(
    ("base_url", "rp_id", "origin"),
    [
        ("https://api.example.com", "api.example.com", "https://api.example.com"),
        ("https://api.example.com:8443", "api.example.com", "https://api.example.com:8443"),
        ("http://localhost:8000", "localhost", "http://localhost:8000"),
        # Browsers make no passkeys for addresses.
        ("http://127.0.0.1:8000", "localhost", "http://localhost:8000"),
        ("http://[::1]:8000", "localhost", "http://localhost:8000"),
        ("http://127.0.0.1", "localhost", "http://localhost"),
    ],
)
def test_site_of_an_installation(base_url, rp_id, origin):
    assert site_of(base_url) == Site(rp_id, origin)


async def test_who_came_by_another_name_is_told_where_passkeys_work(app):
    browser = new_browser(app)
    answer = await browser.http.get("/sign-in", headers={"Host": "127.0.0.1:8000"})
    assert "Las llaves de acceso solo funcionan en http://testserver." in answer.text
    assert "data-passkey=" not in answer.text


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox · Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Edg/140.0.0.0",
            "Edge · Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari · iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile",
            "Chrome · Android",
        ),
        ("curl/8.9", "curl/8.9"),
        ("x" * 200, "x" * 60),
        ("", "Dispositivo desconocido"),
        (None, "Dispositivo desconocido"),
    ],
)
def test_devices_in_words(agent, words):
    assert describe(agent) == words
