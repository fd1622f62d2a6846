"""The panel's page of the firm's website: the public page's settings, and its keys."""

import re

from tests.pages.conftest import Browser, new_browser, sign_in

AT = "/panel/website"


async def test_the_page_is_opened_and_its_words_are_kept(api, owner):
    answer = await owner.send(
        AT, {"slug": "bufete", "intro": "Familia.", "active": "yes", "shows_reviews": "yes"}, action=AT
    )
    assert answer.status_code == 303
    site = (await api.get("/public-site")).json()
    assert (site["slug"], site["intro"], site["active"], site["shows_reviews"]) == (
        "bufete",
        "Familia.",
        True,
        True,
    )
    page = (await owner.get(AT)).text
    assert 'href="http://testserver/b/bufete"' in page
    closed = await owner.send(AT, {"slug": "bufete", "active": [], "shows_reviews": []}, action=AT)
    assert closed.status_code == 303
    site = (await api.get("/public-site")).json()
    assert (site["active"], site["shows_reviews"]) == (False, False)


async def test_what_is_wrong_is_said_at_its_field(app, api, owner, other_firm):
    async with other_firm.client(app) as other:
        await other.put("/public-site", json={"slug": "bufete"})
    for slug, status in (("No vale", 422), ("bufete", 409)):
        answer = await owner.send(AT, {"slug": slug, "intro": "Familia."}, action=AT)
        assert answer.status_code == status
        assert 'href="#f-slug"' in answer.text
        assert "Familia." in answer.text
    assert (await api.get("/public-site")).json()["slug"] is None


async def test_a_key_is_made_shown_with_its_tag_and_revoked(api, owner):
    wanted = {"name": "Web", "origins": "https://www.bufete.example\nhttps://bufete.example"}
    assert (await owner.send(AT, wanted, action=f"{AT}/keys")).status_code == 303
    (key,) = (await api.get("/publishable-keys")).json()["data"]
    assert key["origins"] == ["https://www.bufete.example", "https://bufete.example"]
    page = (await owner.get(AT)).text
    assert f"/widget.js&#34; data-key=&#34;{key['key']}&#34;" in page
    revoke = re.search(rf'href="({AT}/keys/{key["id"]}/revoke)"', page)[1]
    assert (await owner.send(revoke, action=revoke)).status_code == 303
    assert (await api.get(f"/publishable-keys/{key['id']}")).json()["status"] == "revoked"


async def test_a_key_without_a_good_origin_is_refused(api, owner):
    answer = await owner.send(AT, {"name": "Web", "origins": "bufete.example"}, action=f"{AT}/keys")
    assert answer.status_code == 422
    assert 'href="#f-origins"' in answer.text
    assert (await api.get("/publishable-keys")).json()["data"] == []


async def test_only_who_administers_comes_in(app, api, firm):
    wanted = {"name": "Eva", "email": "eva@example.com", "role": "assistant"}
    assistant = (await api.post("/users", json=wanted)).json()
    async with new_browser(app, await sign_in(app, firm.id, assistant["id"])) as client:
        browser = Browser(client)
        assert (await browser.get(AT)).status_code == 403
        assert (await browser.post(AT, {"slug": "bufete"})).status_code == 403
    assert (await api.get("/public-site")).json()["slug"] is None
