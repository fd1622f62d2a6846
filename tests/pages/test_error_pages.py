"""What goes wrong on a page is a page, in the reader's language, with the number of the request."""

import pytest

from conecta.pages.error_pages import is_page


@pytest.mark.parametrize(
    "path", ["/panel/nothing", "/account/nothing/here", "/sign-in/nothing/here", "/portal/x/y/z/nothing"]
)
async def test_a_page_that_does_not_exist(visitor, path):
    answer = await visitor.get(path, headers={"X-Request-ID": "request-4711"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="es">' in answer.text
    assert "<code>request-4711</code>" in answer.text


async def test_what_was_asked_for_is_shown_harmlessly(visitor):
    answer = await visitor.get("/panel/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


async def test_a_wrong_method_is_a_page_and_names_the_right_ones(owner):
    answer = await owner.client.delete("/panel/keys")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"
    assert "<html" in answer.text


async def test_a_thing_that_is_not_there(owner):
    for path in (
        "/panel/keys/key_01m7wbgc28efz8dbeq636vqtdj",
        "/panel/keys/%00",
        "/panel/webhooks/x",
        "/panel/messages/x",
    ):
        answer = await owner.get(path)
        assert answer.status_code == 404, path
        assert "No encontrado" in answer.text


async def test_a_cursor_of_another_list_is_a_page(owner):
    for cursor in ("nonsense", "%00", "a" * 2000):
        answer = await owner.get(f"/panel/keys?cursor={cursor}")
        assert answer.status_code == 400
        assert "<html" in answer.text


async def test_far_too_much_is_a_page(owner):
    answer = await owner.client.post(
        "/panel/keys",
        content=b"name=" + b"x" * 2_000_000,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413
    assert "Cuerpo demasiado grande" in answer.text


async def test_a_fault_of_ours_is_a_page_that_tells_nothing(owner, superuser):
    superuser.execute("alter table api_keys rename to api_keys_gone")
    try:
        answer = await owner.get("/panel/keys", headers={"X-Request-ID": "request-4712"})
    finally:
        superuser.execute("alter table api_keys_gone rename to api_keys")
    assert answer.status_code == 500
    assert "request-4712" in answer.text
    assert "api_keys" not in answer.text
    assert (await owner.get("/panel/keys")).status_code == 200


async def test_the_api_keeps_its_own_form(visitor, api):
    assert (await visitor.get("/v1/servicios/nothing")).headers["content-type"] == "application/problem+json"
    assert (await api.get("/nothing")).headers["content-type"] == "application/problem+json"
    assert (await visitor.get("/nothing")).headers["content-type"] == "application/problem+json"


def test_which_paths_are_pages():
    for path in ("/panel", "/panel/x", "/account", "/oauth/authorize", "/portal/x", "/sign-in/second-factor"):
        assert is_page(path), path
    for path in ("/panels", "/v1/servicios/cases", "/oauth/token", "/docs", "/", "/signing"):
        assert not is_page(path), path
