"""The firm's public page: where it is, what it says; one address belongs to one firm."""

import asyncio

import pytest


async def test_a_firm_has_none_until_it_chooses_an_address(api):
    answer = await api.get("/public-site")
    assert answer.json() == {
        "slug": None,
        "url": None,
        "active": False,
        "intro": None,
        "privacy_url": None,
        "shows_reviews": True,
        "asks_for_reviews": False,
        "updated_at": None,
    }
    assert answer.headers["etag"] == '"v0"'


async def test_it_is_written_whole_and_with_a_condition(api):
    wanted = {"slug": "bufete-prueba", "intro": "Familia y herencias."}
    answer = await api.put("/public-site", json=wanted, headers={"If-Match": '"v0"'})
    assert answer.status_code == 200, answer.text
    assert answer.json() | {"updated_at": None} == {
        "slug": "bufete-prueba",
        "url": "http://testserver/b/bufete-prueba",
        "active": True,
        "intro": "Familia y herencias.",
        "privacy_url": None,
        "shows_reviews": True,
        "asks_for_reviews": False,
        "updated_at": None,
    }
    assert (await api.put("/public-site", json=wanted, headers={"If-Match": '"v0"'})).status_code == 412
    again = await api.put("/public-site", json={"slug": "bufete-nuevo"}, headers={"If-Match": '"v1"'})
    assert again.json()["intro"] is None
    assert (await api.get("/public-site")).json() == again.json()


@pytest.mark.parametrize("slug", ["ab", "Bufete", "-bufete", "bufete-", "bu fete", "bufeté", "b" * 61, "a/b"])
async def test_what_cannot_stand_in_an_address_is_refused(api, slug):
    answer = await api.put("/public-site", json={"slug": slug})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/slug"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "bufete.example", "https://", "https://a b/"])
async def test_the_privacy_notice_is_a_web_address(api, url):
    answer = await api.put("/public-site", json={"slug": "bufete", "privacy_url": url})
    assert [e["pointer"] for e in answer.json()["errors"]] == ["/privacy_url"]


async def test_two_firms_cannot_have_one_address(app, api, firm, other_firm):
    assert (await api.put("/public-site", json={"slug": "bufete"})).status_code == 200
    async with other_firm.client(app) as other:
        answer = await other.put("/public-site", json={"slug": "bufete"})
        assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken")
        assert (await other.get("/public-site")).json()["slug"] is None
    async with firm.client(app, firm.sandbox_key) as sandbox:
        assert (await sandbox.put("/public-site", json={"slug": "bufete"})).status_code == 409
        assert (await sandbox.put("/public-site", json={"slug": "bufete-pruebas"})).status_code == 200


async def test_of_two_at_once_one_gets_the_address(app, api, other_firm):
    async with other_firm.client(app) as other:
        answers = await asyncio.gather(
            api.put("/public-site", json={"slug": "bufete"}),
            other.put("/public-site", json={"slug": "bufete"}),
        )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
