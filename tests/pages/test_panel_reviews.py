"""Reviews in the panel: found by their state, published or not, and answered in public."""

import re

import pytest

from tests.firms import make_firm
from tests.pages.conftest import Browser, forms_of, new_browser, sign_in
from tests.pages.test_doors import member
from tests.reviews.test_reviews import closed_case, people, written  # noqa: F401 - fixtures

PATH = "/panel/reviews"


@pytest.fixture
async def review(api, people, closed_case):  # noqa: F811 - a fixture of the same name
    found = await written(api, people, closed_case, comment="Muy <b>bien</b>", author_name="Ana G.")
    return f"{PATH}/{found['id']}"


async def read(api, path: str) -> dict:
    return (await api.get(f"/reviews/{path.rpartition('/')[2]}")).json()


async def listed(browser) -> set[str]:
    """Return the tabs whose list has a review."""
    tabs = ("pending", "published", "rejected", "requested")
    return {tab for tab in tabs if f'href="{PATH}/rev_' in (await browser.get(f"{PATH}?show={tab}")).text}


async def test_what_was_only_asked_for_waits_for_its_author(owner, api, closed_case):  # noqa: F811
    asked = await api.post("/reviews", json={"case_id": closed_case["id"]})
    path = f"{PATH}/{asked.json()['id']}"
    assert await listed(owner) == {"requested"}
    assert "Ana Gil Mas" in (await owner.get(f"{PATH}?show=requested")).text
    page = await owner.get(path)
    assert "Todavía no ha contestado" in page.text
    assert not [form for form in forms_of(page.text) if form.action.startswith(PATH)]
    token = forms_of(page.text)[0].values["csrf_token"]
    for act in ("publish", "reply"):
        version = (await api.get(f"/reviews/{asked.json()['id']}")).headers["etag"].strip('"v')
        values = {"csrf_token": token, "version": version, "reply": "Gracias"}
        assert (await owner.post(f"{path}/{act}", values)).headers["location"] == path
        assert "no hay nada que publicar ni responder" in (await owner.get(path)).text
    assert (await read(api, path))["status"] == "requested"


async def test_a_review_is_published_taken_back_and_published_again(owner, api, review):
    page = await owner.get(PATH)
    for words in ("Ana Gil Mas", "Muy &lt;b&gt;bien&lt;/b&gt;", "5 de 5 estrellas"):
        assert words in page.text
    for act, status in (("publish", "published"), ("reject", "rejected"), ("publish", "published")):
        answer = await owner.send(review, action=f"{review}/{act}")
        assert (answer.status_code, answer.headers["location"]) == (303, review)
        assert (await read(api, review))["status"] == status
        assert await listed(owner) == {status}
    shown = await owner.get(review)
    assert "Núria Íñiguez" in shown.text
    assert "Dejar de publicar" in shown.text
    assert "Reclamación" not in shown.text
    assert "Herencia" in shown.text


async def test_it_is_answered_and_the_answer_taken_back(owner, api, review):
    await owner.send(review, {"reply": "  Gracias,\nfue un placer.  "}, action=f"{review}/reply")
    assert (await read(api, review))["reply"].split() == ["Gracias,", "fue", "un", "placer."]
    page = await owner.get(review)
    assert "Tu respuesta está guardada." in page.text
    assert "fue un placer." in page.text
    await owner.send(review, {"reply": " "}, action=f"{review}/reply")
    assert (await read(api, review))["reply"] is None
    assert "La reseña se queda sin respuesta." in (await owner.get(review)).text


async def test_an_answer_that_is_too_long_stays_in_its_field(owner, api, review):
    answer = await owner.send(review, {"reply": "x" * 2001}, action=f"{review}/reply")
    assert answer.status_code == 422
    assert 'id="e-reply"' in answer.text
    assert "x" * 2001 in answer.text
    assert (await read(api, review))["reply"] is None


async def test_who_saw_an_older_review_does_nothing(owner, api, review):
    seen = await owner.get(review)
    assert (await api.post(f"/reviews/{review[len(PATH) + 1 :]}/reject")).status_code == 200
    for act in ("publish", "reply"):
        answer = await owner.send_from(seen, {"reply": "Gracias"}, action=f"{review}/{act}")
        assert (answer.status_code, answer.headers["location"]) == (303, review)
        assert "ha cambiado mientras la mirabas" in (await owner.get(review)).text
    found = await read(api, review)
    assert (found["status"], found["reply"]) == ("rejected", None)


@pytest.mark.parametrize("role", ["provider", "assistant"])
async def test_whoever_works_in_the_firm_may_do_it(app, api, firm, review, role):
    user_id = await member(app, firm.id, role)
    async with new_browser(app, await sign_in(app, firm.id, user_id)) as client:
        colleague = Browser(client)
        assert f'href="{PATH}" aria-current="page"' in (await colleague.get(PATH)).text
        answer = await colleague.send(review, action=f"{review}/publish")
    assert answer.status_code == 303
    assert (await read(api, review))["status"] == "published"


async def test_another_firms_review_does_not_exist(app, api, review):
    other = await make_firm(app, name="Otra Firma")
    async with new_browser(app, await sign_in(app, other.id, other.owner_id)) as client:
        stranger = Browser(client)
        assert await listed(stranger) == set()
        token = forms_of((await stranger.get("/panel")).text)[0].values["csrf_token"]
        assert (await stranger.get(review)).status_code == 404
        for act in ("publish", "reject", "reply"):
            values = {"csrf_token": token, "version": "2", "reply": "Robada"}
            assert (await stranger.post(f"{review}/{act}", values)).status_code == 404, act
    found = await read(api, review)
    assert (found["status"], found["reply"]) == ("pending", None)


async def test_a_form_from_elsewhere_changes_nothing(owner, api, review):
    for act in ("publish", "reject", "reply"):
        answer = await owner.post(f"{review}/{act}", {"csrf_token": "x", "version": "2", "reply": "x"})
        assert answer.status_code == 403, act
    found = await read(api, review)
    assert (found["status"], found["reply"]) == ("pending", None)
    assert re.fullmatch(r"/panel/reviews/rev_\w+", review)
