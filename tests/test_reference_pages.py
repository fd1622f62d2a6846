"""`/docs`, `/openapi.json` and the pages of errors: served whole from here, safe, and in two languages."""

import re

import pytest

from conecta import openapi
from conecta.kit.errors import all_problems

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"  # what browsers send


async def test_document_is_served_with_an_etag(anonymous):
    answer = await anonymous.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == openapi.document("http://testserver")
    again = await anonymous.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


async def test_document_is_spanish_whoever_asks(anonymous):
    english = await anonymous.get("/openapi.json", headers={"Accept-Language": "en"})
    assert "Listar expedientes" in english.text
    assert "Falta una credencial válida" in english.text


async def test_docs_load_nothing_from_elsewhere_and_no_inline_script(anonymous):
    answer = await anonymous.get("/docs")
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert policy["frame-ancestors"] == "'none'"
    addresses = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert addresses
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)
    assert re.findall(r"<script(?![^>]*src=)", answer.text) == []
    assert re.findall(r"<style|style=|onclick|onload", answer.text) == []
    for address in addresses:
        if "/assets/" in address:
            asset = await anonymous.get(address)
            assert asset.status_code == 200, address
            assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert len(asset.content) > 100


async def test_assets_are_only_those_of_the_page(anonymous):
    for name in ("redoc.standalone.js", "..%2f__init__.py", "docs.html", "%2e%2e/advice.py"):
        answer = await anonymous.get(f"/docs/assets/{name}")
        assert answer.status_code == 404, name
        assert answer.headers["content-type"] == "application/problem+json"


async def test_own_files_name_no_other_host(anonymous):
    for name in ("docs.js", "pages.css", "mark.svg"):
        text = (await anonymous.get(f"/docs/assets/{name}")).text
        assert [a for a in re.findall(r"https?://[^\"' )]+", text) if "www.w3.org" not in a] == []


@pytest.mark.parametrize("problem", all_problems(), ids=lambda problem: problem.code)
async def test_every_error_has_a_page_in_both_languages(anonymous, problem):
    for language, title in (("es", problem.title.es), ("en", problem.title.en)):
        headers = {"Accept": HTML, "Accept-Language": language}
        answer = await anonymous.get(f"/errors/{problem.code}", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-language"] == language
        assert f'<html lang="{language}">' in answer.text
        assert title in answer.text.replace("&#x27;", "'")
        assert str(problem.status) in answer.text
        assert {"es": "Qué hacer", "en": "What to do"}[language] in answer.text


async def test_the_type_of_a_real_refusal_leads_to_its_page(api, anonymous):
    refusal = (await api.get("/clients", params={"limit": "0"})).json()
    page = await anonymous.get(refusal["type"])
    assert page.status_code == 200
    assert refusal["title"] in page.text


async def test_an_error_as_json(anonymous):
    answer = await anonymous.get("/errors/duplicate_client", headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert (body["code"], body["status"]) == ("duplicate_client", 409)
    assert body["type"] == "http://testserver/errors/duplicate_client"
    assert body["extensions"] == ["existing_id"]
    assert body["what_to_do"]
    listed = (await anonymous.get("/errors", headers={"Accept": "application/json"})).json()
    assert [error["code"] for error in listed] == [problem.code for problem in all_problems()]


async def test_index_links_every_error(anonymous):
    answer = await anonymous.get("/errors", headers={"Accept": HTML})
    assert answer.status_code == 200
    for problem in all_problems():
        assert f'href="/errors/{problem.code}"' in answer.text


async def test_unknown_code_is_a_404_that_echoes_nothing(anonymous):
    page = await anonymous.get("/errors/%3Cscript%3Ealert(1)%3C", headers={"Accept": HTML})
    assert page.status_code == 404
    assert "alert" not in page.text
    assert 'href="/errors"' in page.text
    answer = await anonymous.get("/errors/no_such_thing", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
