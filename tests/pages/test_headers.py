"""What every page goes out with: a policy that allows nothing inline or foreign, and nothing kept behind."""

import re
from importlib.resources import files

import pytest

from conecta.app import create_app
from conecta.pages import rendering
from tests.pages.conftest import new_browser

PAGES = (
    "/panel",
    "/panel/keys",
    "/panel/keys/new",
    "/panel/webhooks/new",
    "/panel/sandbox",
    "/panel/messages",
)


def policy_of(answer) -> dict[str, str]:
    parts = [part.strip() for part in answer.headers["content-security-policy"].split(";")]
    return {name: value for name, _, value in (part.partition(" ") for part in parts)}


@pytest.mark.parametrize("path", [*PAGES, "/panel/nothing", "/sign-in"])
async def test_page_is_strict_and_not_kept(owner, visitor, path):
    answer = await (visitor if path == "/sign-in" else owner).get(path)
    policy = policy_of(answer)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("path", [*PAGES, "/panel/nothing", "/sign-in"])
async def test_page_has_nothing_inline_and_loads_only_from_here(owner, visitor, path):
    page = await (visitor if path == "/sign-in" else owner).get(path)
    assert re.findall(r"<script(?![^>]*\bsrc=)", page.text) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", page.text) == []
    loaded = re.findall(r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="([^"]+)"', page.text)
    assert loaded
    for address in set(loaded):
        assert address.startswith("/static/")
        file = await visitor.get(address)
        assert file.status_code == 200
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_only_our_own_files_are_served(visitor):
    for name in ("..%2fweb.py", "%2e%2e/web.py", "nothing.css", "pages.py"):
        answer = await visitor.get(f"/static/{name}")
        assert answer.status_code == 404, name


def test_files_name_no_other_host():
    for name, path in rendering.static_files().items():
        found = re.findall(r"https?://[^\"' )]+", path.read_text(encoding="utf-8"))
        assert [address for address in found if "www.w3.org" not in address] == [], name


def test_templates_and_files_are_part_of_the_package():
    package = files("conecta.pages")
    for name in (
        "templates/base.html",
        "templates/panel/overview.html",
        "static/pages.css",
        "locale/en/base.po",
    ):
        assert package.joinpath(name).is_file(), name


def test_every_template_can_be_read():
    names = rendering.environment().list_templates()
    assert len(names) > 20
    for name in names:
        rendering.environment().get_template(name)


async def test_an_installation_behind_https_binds_cookies_to_its_host(settings, dsn):
    behind_https = settings.model_copy(update={"base_url": "https://conecta.example"})
    app = create_app(behind_https, dsn=dsn)
    async with app.router.lifespan_context(app), new_browser(app) as client:
        answer = await client.get("/sign-in")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        (cookie,) = answer.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-conecta_visitor=")
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= parts
        assert not any(part.startswith("domain") for part in parts)
