"""Reviews: asked for by mail when something is over, written once, moderated, answered, shown."""

from datetime import timedelta

import pytest

from conecta.kit import clock
from tests.pages.conftest import forms_of, new_browser
from tests.web.visiting import publishable_key, website

ANA = {"first_name": "Ana", "last_name": "Gil Mas", "email": "ana@cliente.example"}


@pytest.fixture
async def people(app):
    async with new_browser(app) as client:
        yield client


@pytest.fixture
async def closed_case(api):
    """A closed case of a client."""
    client = (await api.post("/clients", json=ANA)).json()
    wanted = {"client_id": client["id"], "category": "civil", "title": "Herencia"}
    case = (await api.post("/cases", json=wanted)).json()
    return (await api.post(f"/cases/{case['id']}/close")).json()


async def asked(api, case) -> dict:
    answer = await api.post("/reviews", json={"case_id": case["id"]})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def link_to(api, email: str) -> str:
    """Return the path of the link in the newest mail to an address."""
    mail = (await api.get("/messages", params={"to": email})).json()["data"][0]
    link = (await api.get(f"/messages/{mail['id']}")).json()["link"]
    return link.removeprefix("http://testserver")


async def write(people, path: str, **values: str):
    page = await people.get(path)
    assert page.status_code == 200, page.text
    form = next(form for form in forms_of(page.text) if "author_name" in form.values)
    return await people.post(path, data={**form.values, **values})


async def written(api, people, case, **values: str) -> dict:
    review = await asked(api, case)
    answer = await write(people, await link_to(api, ANA["email"]), **{"rating": "5", **values})
    assert answer.status_code == 303, answer.text
    return (await api.get(f"/reviews/{review['id']}")).json()


async def test_a_client_is_asked_by_mail(api, closed_case):
    answer = await api.post("/reviews", json={"case_id": closed_case["id"]})
    made = answer.json()
    assert answer.headers["location"] == f"/v1/servicios/reviews/{made['id']}"
    assert (made["status"], made["rating"], made["case_id"]) == ("requested", None, closed_case["id"])
    assert made["client_id"] == closed_case["client_id"]
    assert (await api.get("/reviews")).json()["data"] == [made]
    assert (await link_to(api, ANA["email"])).startswith("/reviews/")
    assert (await api.get("/events", params={"type": "review.created"})).json()["data"] == []


async def test_the_link_is_in_the_mail_alone(api, closed_case, superuser):
    await asked(api, closed_case)
    secret = (await link_to(api, ANA["email"])).rpartition("/")[2]
    stored = superuser.execute("select row_to_json(r)::text from reviews r").fetchone()[0]
    assert secret not in stored


async def test_what_the_client_writes_reaches_the_firm(api, people, closed_case):
    review = await written(
        api, people, closed_case, rating="4", comment="Claros.\n\nY rápidos.", author_name="Ana G."
    )
    assert (review["status"], review["rating"], review["author_name"]) == ("pending", 4, "Ana G.")
    assert review["comment"].splitlines() == ["Claros.", "", "Y rápidos."]
    (event,) = (await api.get("/events", params={"type": "review.created"})).json()["data"]
    assert event["data"] == {
        "review_id": review["id"],
        "rating": 4,
        "comment": review["comment"],
        "author_name": "Ana G.",
        "client_id": closed_case["client_id"],
        "case_id": closed_case["id"],
        "booking_id": None,
        "created_at": review["submitted_at"],
    }
    subjects = [mail["subject"] for mail in (await api.get("/messages")).json()["data"]]
    assert "Nueva reseña: 4 de 5" in subjects


async def test_a_link_is_good_once(api, people, closed_case):
    await written(api, people, closed_case)
    path = await _link(api)
    again = await people.get(path)
    assert again.status_code == 200
    assert "Gracias por tu reseña" in again.text
    page = await people.get("/sign-in")
    token = forms_of(page.text)[0].values["csrf_token"]
    sent = await people.post(path, data={"csrf_token": token, "rating": "1"})
    assert sent.status_code == 303
    (review,) = (await api.get("/reviews")).json()["data"]
    assert review["rating"] == 5
    assert len((await api.get("/events", params={"type": "review.created"})).json()["data"]) == 1


async def _link(api) -> str:
    mails = (await api.get("/messages", params={"to": ANA["email"]})).json()["data"]
    link = (await api.get(f"/messages/{mails[-1]['id']}")).json()["link"]
    return link.removeprefix("http://testserver")


@pytest.mark.parametrize("rating", ["", "0", "6", "cinco", "4.5"])
async def test_a_review_has_one_to_five_stars(api, people, closed_case, rating):
    review = await asked(api, closed_case)
    answer = await write(people, await link_to(api, ANA["email"]), rating=rating, comment="Texto")
    assert answer.status_code == 422
    assert 'href="#f-rating"' in answer.text
    assert "Texto" in answer.text
    assert (await api.get(f"/reviews/{review['id']}")).json() == review


async def test_a_form_from_elsewhere_writes_nothing(api, people, closed_case):
    review = await asked(api, closed_case)
    path = await link_to(api, ANA["email"])
    assert (await people.post(path, data={"rating": "1"})).status_code == 403
    assert (await api.get(f"/reviews/{review['id']}")).json() == review


@pytest.mark.parametrize("secret", ["nobody", "x" * 200, "%C3%B1", "0"])
async def test_unknown_links_are_gone(people, firm, secret):
    answer = await people.get(f"/reviews/{secret}")
    assert answer.status_code == 410
    assert "<html" in answer.text


async def test_a_link_ends(api, people, closed_case, superuser):
    await asked(api, closed_case)
    path = await link_to(api, ANA["email"])
    past = clock.real_now() - timedelta(seconds=1)
    superuser.execute("update reviews set link_expires_at = %s", [past])
    assert (await people.get(path)).status_code == 410
    assert (await api.post("/reviews", json={"case_id": closed_case["id"]})).status_code == 201


async def test_a_client_is_asked_once_of_one_thing(api, people, closed_case):
    first = await asked(api, closed_case)
    for _ in range(2):
        answer = await api.post("/reviews", json={"case_id": closed_case["id"]})
        assert (answer.status_code, answer.json()["code"]) == (409, "review_already_asked")
        assert answer.json()["existing_id"] == first["id"]
        if first["status"] == "requested":
            await write(people, await link_to(api, ANA["email"]), rating="3")
            first = (await api.get(f"/reviews/{first['id']}")).json()
    assert len((await api.get("/reviews")).json()["data"]) == 1


async def test_only_what_is_over_is_reviewed(api):
    client = (await api.post("/clients", json=ANA)).json()
    case = (
        await api.post("/cases", json={"client_id": client["id"], "category": "civil", "title": "Herencia"})
    ).json()
    answer = await api.post("/reviews", json={"case_id": case["id"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_review")
    assert (await api.get("/reviews")).json()["data"] == []
    assert (await api.get("/messages")).json()["data"] == []


async def test_a_completed_booking_is_reviewed(api, superuser):
    client = (await api.post("/clients", json=ANA)).json()
    (service,) = (await api.get("/booking-services")).json()["data"]
    slots = (await api.get("/availability/slots", params={"service_id": service["id"]})).json()["data"]
    wanted = {"service_id": service["id"], "client_id": client["id"], "start": slots[0]["start"]}
    booking = (await api.post("/bookings", json=wanted)).json()
    early = await api.post("/reviews", json={"booking_id": booking["id"]})
    assert early.json()["code"] == "nothing_to_review"
    done = await api.post(f"/bookings/{booking['id']}/complete", json={"bypass_rules": True})
    assert done.status_code == 200, done.text
    answer = await api.post("/reviews", json={"booking_id": booking["id"]})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["booking_id"], answer.json()["client_id"]) == (booking["id"], client["id"])


@pytest.mark.parametrize(
    ("wanted", "pointer", "code"),
    [
        ({}, "", "one_of"),
        ({"client_id": "cli_01m7wbgc28efz8dbeq636vqtdj"}, "/client_id", "unknown_client"),
        ({"case_id": "cas_01m7wbgc28efz8dbeq636vqtdj"}, "/case_id", "unknown_case"),
        ({"booking_id": "bkg_01m7wbgc28efz8dbeq636vqtdj"}, "/booking_id", "unknown_booking"),
    ],
)
async def test_whom_and_of_what_must_be_known(api, wanted, pointer, code):
    answer = await api.post("/reviews", json=wanted)
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


async def test_a_client_without_address_or_archived_is_not_asked(api):
    nameless = (await api.post("/clients", json={"name": "Ben"})).json()
    answer = await api.post("/reviews", json={"client_id": nameless["id"]})
    assert answer.json()["errors"][0]["code"] == "no_email"
    gone = (await api.post("/clients", json=ANA)).json()
    await api.post(f"/clients/{gone['id']}/archive")
    answer = await api.post("/reviews", json={"client_id": gone["id"]})
    assert answer.json()["errors"][0]["code"] == "client_archived"
    assert (await api.get("/messages")).json()["data"] == []


async def test_the_firm_decides_what_the_world_sees(app, api, people, closed_case):
    review = await written(api, people, closed_case, comment="Muy bien.", author_name="Ana G.")
    path = f"/reviews/{review['id']}"
    key = await publishable_key(api)
    async with website(app, key["key"]) as site:
        assert (await site.get("/public/reviews")).json()["data"] == []
        published = await api.post(f"{path}/publish", headers={"If-Match": '"v2"'})
        assert published.json()["status"] == "published"
        assert published.json()["moderated_by"] == "Pruebas"
        await api.post(f"{path}/reply", json={"reply": "Gracias."})
        assert (await site.get("/public/reviews")).json()["data"] == [
            {
                "rating": 5,
                "comment": "Muy bien.",
                "author_name": "Ana G.",
                "submitted_at": review["submitted_at"],
                "reply": "Gracias.",
            }
        ]
        about = (await site.get("/public/firm")).json()
        assert (about["review_count"], about["review_average"]) == (1, 5.0)
        assert (await api.post(f"{path}/reject")).json()["status"] == "rejected"
        assert (await site.get("/public/reviews")).json()["data"] == []
    acts = (await api.get("/audit-log", params={"action": "review.*"})).json()["data"]
    assert [act["action"] for act in acts] == ["review.rejected", "review.published"]


async def test_publishing_twice_changes_nothing(api, people, closed_case):
    review = await written(api, people, closed_case)
    path = f"/reviews/{review['id']}"
    first = await api.post(f"{path}/publish")
    second = await api.post(f"{path}/publish")
    assert first.json() == second.json()
    assert first.headers["etag"] == second.headers["etag"]
    assert (await api.post(f"{path}/publish", headers={"If-Match": '"v1"'})).status_code == 412


async def test_the_reply_can_be_taken_back(api, people, closed_case):
    review = await written(api, people, closed_case)
    path = f"/reviews/{review['id']}/reply"
    assert (await api.post(path, json={"reply": "Gracias."})).json()["replied_at"]
    gone = (await api.post(path, json={"reply": None})).json()
    assert (gone["reply"], gone["replied_at"]) == (None, None)


async def test_what_is_not_written_cannot_be_moderated_or_answered(api, closed_case):
    review = await asked(api, closed_case)
    for path, body in (("publish", None), ("reject", None), ("reply", {"reply": "Gracias."})):
        answer = await api.post(f"/reviews/{review['id']}/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "review_not_written")
    assert (await api.get(f"/reviews/{review['id']}")).json() == review


async def test_published_reviews_stand_on_the_firms_page(api, people, closed_case):
    review = await written(api, people, closed_case, comment="Muy <b>bien</b>.", author_name="Ana G.")
    await api.post(f"/reviews/{review['id']}/publish")
    await api.put("/public-site", json={"slug": "bufete"})
    page = (await people.get("/b/bufete")).text
    assert "Muy &lt;b&gt;bien&lt;/b&gt;." in page
    assert "Ana G." in page
    await api.put("/public-site", json={"slug": "bufete", "shows_reviews": False})
    assert "Ana G." not in (await people.get("/b/bufete")).text


async def test_filters(api, people, closed_case):
    review = await written(api, people, closed_case)

    async def ids(**filters):
        return [row["id"] for row in (await api.get("/reviews", params=filters)).json()["data"]]

    for filters in (
        {"status": "pending"},
        {"rating": 5},
        {"client_id": review["client_id"]},
        {"case_id": review["case_id"]},
    ):
        assert await ids(**filters) == [review["id"]]
    assert await ids(status="published") == []
    assert await ids(rating=4) == []
    assert (await api.get("/reviews", params={"rating": 6})).status_code == 400


async def test_another_firm_finds_nothing(app, api, people, closed_case, other_firm):
    review = await written(api, people, closed_case)
    async with other_firm.client(app) as thief:
        assert (await thief.get("/reviews")).json()["data"] == []
        assert (await thief.get(f"/reviews/{review['id']}")).status_code == 404
        for path in ("publish", "reject"):
            assert (await thief.post(f"/reviews/{review['id']}/{path}")).status_code == 404
        assert (await thief.post("/reviews", json={"case_id": closed_case["id"]})).status_code == 422
    assert (await api.get(f"/reviews/{review['id']}")).json() == review
