"""The request log on pages: what was called is found again, masked, and fit to be repeated with curl."""

import shlex

import pytest

from tests.pages.conftest import Browser, forms_of, new_browser, sign_in

PATH = "/panel/requests"


@pytest.fixture
async def calls(app, api, firm):
    """Three calls of the firm's key: one that was fine, one refused, one of something that is not there."""
    fine = await api.get("/clients?limit=5")
    refused = await api.post(
        "/clients", json={"name": "Ana O'Higgins", "tax_id": "12345678Z", "e_mail": "a@b.es"}
    )
    missing = await api.get("/cases/cas_01m7wbgc28efz8dbeq636vqtdj")
    await app.state.request_log.flush()
    return [answer.headers["x-request-id"] for answer in (fine, refused, missing)]


def shown(page, calls):
    """Say which of the calls a page shows, by their numbers."""
    return {number for number, request_id in enumerate(calls) if request_id in page.text}


async def test_calls_are_listed_newest_first(owner, calls):
    page = await owner.get(PATH)
    assert page.status_code == 200
    positions = [page.text.index(request_id) for request_id in calls]
    assert positions == sorted(positions, reverse=True)
    assert "not_found" in page.text
    assert "Pruebas" in page.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=4xx", {1, 2}),
        ("status=404", {2}),
        ("status=2xx", {0}),
        ("status=5xx", set()),
        ("method=POST", {1}),
        ("path=clients", {0, 1}),
        ("path=/v1/servicios/cases", {2}),
        ("path=/cases", set()),
        ("method=GET&status=&path=&from=&to=&request_id=&credential_id=", {0, 2}),
        ("from=2020-01-01&to=2099-12-31", {0, 1, 2}),
        ("to=2020-01-01", set()),
        ("from=2099-01-01", set()),
        ("credential_id=key_nobody", set()),
    ],
)
async def test_filters_leave_what_they_say(owner, calls, query, expected):
    page = await owner.get(f"{PATH}?{query}")
    assert page.status_code == 200
    assert shown(page, calls) == expected
    if not expected:
        assert "Nada que coincida" in page.text


async def test_a_request_is_found_by_its_number(owner, calls):
    page = await owner.get(PATH, params={"request_id": f" {calls[1]} "})
    assert shown(page, calls) == {1}


async def test_a_key_is_chosen_by_its_name(owner, api, calls):
    page = await owner.get(PATH)
    key = (await api.get("/api-keys")).json()["data"][0]
    assert f'<option value="{key["id"]}">{key["name"]}' in page.text
    assert shown(await owner.get(f"{PATH}?credential_id={key['id']}"), calls) == {0, 1, 2}


@pytest.mark.parametrize(
    "query", ["status=abc", "method=BREW", "from=yesterday", "to=0000-00-00", "to=9999-12-31", "cursor=x"]
)
async def test_a_filter_that_cannot_be_is_a_page_that_says_so(owner, query):
    page = await owner.get(f"{PATH}?{query}")
    assert page.status_code == 400
    assert "<h1>" in page.text


async def test_what_was_typed_stays_in_the_filters(owner, calls):
    page = await owner.get(f"{PATH}?status=4xx&method=POST&path=clients&from=2020-01-01")
    filters = next(form for form in forms_of(page.text) if form.action == PATH).values
    assert filters["status"] == "4xx"
    assert filters["method"] == "POST"
    assert filters["path"] == "clients"
    assert filters["from"] == "2020-01-01"


async def test_pages_follow_each_other_with_the_same_filters(app, owner, api):
    for number in range(27):
        await api.get("/cases", headers={"X-Request-ID": f"mine-{number:02}-"})
    await app.state.request_log.flush()
    first = await owner.get(f"{PATH}?path=cases")
    onwards = first.text.partition('class="pager"')[2].partition('href="')[2].partition('"')[0]
    second = await owner.get(onwards.replace("&amp;", "&"))
    for number in range(27):
        assert (f"mine-{number:02}-" in first.text) is (number >= 2)
        assert (f"mine-{number:02}-" in second.text) is (number < 2)
    assert "path=cases" in onwards


async def test_a_refused_call_shows_what_was_sent_and_answered_masked(owner, calls):
    page = await owner.get(f"{PATH}/{calls[1]}")
    assert page.status_code == 200
    assert "validation_failed" in page.text
    assert "Ana O&#39;Higgins" in page.text
    for secret in ("12345678Z", "a@b.es"):
        assert secret not in page.text


async def test_the_curl_command_survives_a_shell(owner, calls):
    from html import unescape

    page = await owner.get(f"{PATH}/{calls[1]}")
    command = unescape(page.text.partition('<pre id="curl"')[2].partition(">")[2].partition("</pre>")[0])
    words = [word for word in shlex.split(command) if word != "\n"]
    assert words[:4] == ["curl", "-X", "POST", "http://testserver/v1/servicios/clients"]
    assert "Authorization: Bearer $CONECTA_API_KEY" in words
    assert any('"name": "Ana O\'Higgins"' in word for word in words)


async def test_a_call_that_nobody_made_is_not_found(owner):
    for request_id in ("req_01m7wbgc28efz8dbeq636vqtdj", "x" * 200, "a b", "%00"):
        assert (await owner.get(f"{PATH}/{request_id}")).status_code == 404


async def test_calls_of_another_firm_do_not_exist_here(app, calls, other_firm):
    async with new_browser(app, await sign_in(app, other_firm.id, other_firm.owner_id)) as client:
        stranger = Browser(client)
        assert shown(await stranger.get(PATH), calls) == set()
        assert shown(await stranger.get(f"{PATH}?request_id={calls[0]}"), calls) == {0}  # what they typed
        assert "Nada que coincida" in (await stranger.get(f"{PATH}?request_id={calls[0]}")).text
        assert (await stranger.get(f"{PATH}/{calls[0]}")).status_code == 404


@pytest.mark.parametrize("role", ["provider", "assistant"])
async def test_the_log_is_for_who_administers(app, firm, api, calls, role):
    new = await api.post("/users", json={"name": "Luis", "email": "luis@example.com", "role": role})
    async with new_browser(app, await sign_in(app, firm.id, new.json()["id"])) as client:
        for path in (PATH, f"{PATH}/{calls[0]}"):
            answer = await Browser(client).get(path)
            assert answer.status_code == 403
            assert shown(answer, calls) == set()


async def test_what_a_caller_wrote_is_text_and_no_markup(app, owner, api):
    await api.get("/cases?q=<script>alert(1)</script>", headers={"User-Agent": "<b>bold</b>"})
    await app.state.request_log.flush()
    page = await owner.get(PATH)
    request_id = page.text.partition(f'href="{PATH}/')[2].partition('"')[0]
    detail = await owner.get(f"{PATH}/{request_id}")
    for text in (page.text, detail.text):
        assert "<script>alert" not in text
        assert "<b>bold" not in text
    assert "&lt;b&gt;bold" in detail.text
