"""Versions as ETags: conditional reads answer 304, conditional writes refuse what is stale."""

import asyncio

import pytest

from tests.firms import Firm

ANA = {"first_name": "Ana", "last_name": "Gil"}


@pytest.fixture
async def client(api) -> dict:
    return (await api.post("/clients", json=ANA)).json()


async def name_of(api, client: dict) -> str:
    return (await api.get(f"/clients/{client['id']}")).json()["name"]


# --- reads --------------------------------------------------------------------------------------------


async def test_etag_grows_with_every_change_and_only_then(api, client):
    path = f"/clients/{client['id']}"
    assert (await api.get(path)).headers["etag"] == '"v1"'
    changed = await api.patch(path, json={"first_name": "Eva"})
    assert changed.headers["etag"] == '"v2"'
    same = await api.patch(path, json={"first_name": "Eva"})
    assert same.headers["etag"] == '"v2"'
    assert same.json()["updated_at"] == changed.json()["updated_at"]
    assert (await api.get(path)).headers["etag"] == '"v2"'


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"v1"', 304),
        ('W/"v1"', 304),
        ("*", 304),
        ('"x", "v1"', 304),
        ('"x","v1","y"', 304),
        ('W/"x", W/"v1"', 304),
        ('"v2"', 200),
        ('"x", "y"', 200),
        ("v1", 200),
        ("", 200),
    ],
)
async def test_if_none_match_on_a_resource(api, client, header, status):
    answer = await api.get(f"/clients/{client['id']}", headers={"If-None-Match": header})
    assert answer.status_code == status
    assert answer.headers["etag"] == '"v1"'
    assert answer.headers["cache-control"] == "private, no-cache"
    assert (answer.content == b"") is (status == 304)


async def test_two_if_none_match_headers_count_as_one_list(api, client):
    headers = [("If-None-Match", '"x"'), ("If-None-Match", '"v1"')]
    assert (await api.get(f"/clients/{client['id']}", headers=headers)).status_code == 304


@pytest.mark.parametrize("path", ["/clients", "/clients?include=total&limit=1", "/users", "/api-keys"])
async def test_lists_have_an_etag_that_follows_their_content(api, client, path):
    first = await api.get(path)
    again = await api.get(path, headers={"If-None-Match": first.headers["etag"]})
    if path == "/api-keys":  # the key's own last use may be written in between
        assert again.status_code in {200, 304}
        return
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers.get("link") == first.headers.get("link")
    await api.post("/clients", json=ANA)
    if path != "/users":
        changed = await api.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert changed.status_code == 200
        assert changed.headers["etag"] != first.headers["etag"]


async def test_refusals_have_no_etag_and_are_never_304(api):
    answer = await api.get("/clients/cli_nobody", headers={"If-None-Match": "*"})
    assert answer.status_code == 404
    assert "etag" not in answer.headers


async def test_etag_of_another_firm_says_nothing(app, api, client, other_firm: Firm):
    async with other_firm.client(app) as other:
        answer = await other.get(f"/clients/{client['id']}", headers={"If-None-Match": '"v1"'})
    assert answer.status_code == 404


# --- writes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"v1"', 200),
        ("*", 200),
        ('"x", "v1"', 200),
        ('"v2"', 412),
        ('"v0"', 412),
        ('"v999999999999999999999"', 412),
        ('W/"v1"', 412),  # If-Match compares strongly (RFC 9110 §13.1.1)
        ("v1", 412),
        ("nonsense", 412),
        ("", 412),
    ],
)
async def test_if_match(api, client, header, status):
    path = f"/clients/{client['id']}"
    answer = await api.patch(path, json={"first_name": "Eva"}, headers={"If-Match": header})
    assert answer.status_code == status, answer.text
    assert await name_of(api, client) == ("Eva Gil" if status == 200 else "Ana Gil")
    if status == 412:
        assert answer.json()["code"] == "precondition_failed"
        assert answer.headers["etag"] == '"v1"'
        assert '"v1"' in answer.json()["detail"]


async def test_two_if_match_headers_count_as_one_list(api, client):
    headers = [("If-Match", '"x"'), ("If-Match", '"v1"')]
    answer = await api.patch(f"/clients/{client['id']}", json={"first_name": "Eva"}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("verb", ["archive", "restore"])
async def test_if_match_on_other_writes(api, client, verb):
    path = f"/clients/{client['id']}/{verb}"
    stale = await api.post(path, headers={"If-Match": '"v7"'})
    assert (stale.status_code, (await api.get(f"/clients/{client['id']}")).json()) == (412, client)
    assert (await api.post(path, headers={"If-Match": '"v1"'})).status_code == 200


async def test_without_if_match_the_last_writer_wins(api, client):
    path = f"/clients/{client['id']}"
    await api.patch(path, json={"first_name": "Eva"})
    assert (await api.patch(path, json={"first_name": "Pía"})).status_code == 200


async def test_of_many_writers_with_the_same_version_one_wins(api, client):
    path = f"/clients/{client['id']}"
    answers = await asyncio.gather(
        *(api.patch(path, json={"first_name": f"Ana{i}"}, headers={"If-Match": '"v1"'}) for i in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
    (won,) = [answer for answer in answers if answer.status_code == 200]
    assert await name_of(api, client) == won.json()["name"]
    assert (await api.get(path)).headers["etag"] == '"v2"'


async def test_stale_write_of_a_stranger_is_a_404_not_a_412(app, client, other_firm, api):
    async with other_firm.client(app) as other:
        answer = await other.patch(
            f"/clients/{client['id']}", json={"first_name": "Eva"}, headers={"If-Match": '"v9"'}
        )
    assert answer.status_code == 404
    assert await name_of(api, client) == "Ana Gil"
