"""Visitors who mean no good, or whose website was put together in a hurry."""

import pytest

from tests.web.test_public_bookings import GUEST, book, free
from tests.web.test_public_pages import book as book_on_page
from tests.web.test_public_pages import first_time, worked
from tests.web.visiting import ORIGIN, proof, publishable_key, website


@pytest.mark.parametrize("name", ["\x1c", "\u200b\u2060", "Gana en https://x.example", "WWW.x.example ya"])
async def test_a_name_is_a_name(api, site, people, page, name):
    answer = await book(site, (await free(site))[0]["start"], name=name)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/name"]
    shown = await book_on_page(people, page, name=name)
    assert shown.status_code == 422
    assert 'href="#f-name"' in shown.text
    assert (await api.get("/bookings")).json()["data"] == []


async def test_a_name_is_one_line_wherever_it_is_written(api, site):
    slot = (await free(site))[0]
    name = "Ana\r\nBcc: todos@x.example\x1b<script>{0}"
    assert (await book(site, slot["start"], name=name)).status_code == 201
    for mail in (await api.get("/messages")).json()["data"]:
        whole = (await api.get(f"/messages/{mail['id']}")).json()
        assert "\n" not in mail["subject"]
        assert "<script>" not in whole["html"]
        assert "Ana Bcc: todos@x.example <script>{0}" in whole["text"]


async def test_nobody_is_flooded_with_mail_by_others(app, api, site, other_firm, superuser):
    """Whoever books says whose address it is; all firms together write to it so often and no more."""
    slots = await free(site)
    assert (await book(site, slots[0]["start"], email="victima@x.example")).status_code == 201
    superuser.execute("update rate_windows set day_used = 10 where subject like 'visited-person:%%'")
    refused = await book(site, slots[1]["start"], email="Victima@X.example")
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    async with other_firm.client(app) as theirs:
        key = await publishable_key(theirs)
    async with website(app, key["key"]) as elsewhere:
        refused = await book(elsewhere, slots[1]["start"], email="victima@x.example")
        assert refused.status_code == 429
        assert (await book(elsewhere, slots[1]["start"])).status_code == 201
    assert len((await api.get("/messages", params={"to": "victima@x.example"})).json()["data"]) == 1
    kept = superuser.execute("select subject from rate_windows where subject like 'visited-person:%%'")
    assert "victima" not in str(kept.fetchall())


async def test_one_address_never_uses_up_the_whole_website(app, api, firm, superuser):
    superuser.execute(
        "update tenants set per_minute_override = 20, per_day_override = 40 where id = %s", [firm.id]
    )
    made = await publishable_key(api)
    async with website(app, made["key"]) as site:
        answer = await site.get("/public/challenge")
        assert answer.headers["ratelimit-policy"] == '"minute";q=10;w=60,"day";q=10;w=86400'
        superuser.execute("update rate_windows set day_used = 10 where subject like 'visitor:%%'")
        assert (await site.get("/public/challenge")).status_code == 429
    async with website(app, made["key"], address="198.51.100.99") as elsewhere:
        assert (await elsewhere.get("/public/challenge")).status_code == 200


async def test_one_address_looks_at_so_many_pages(app, people, page, superuser):
    assert (await people.get(page)).status_code == 200
    superuser.execute("update rate_windows set day_used = 5000 where subject like 'visitor-pages:%%'")
    refused = await people.get(page)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert "<html" in refused.text


async def test_what_a_server_of_the_firm_passes_on_is_a_visitors_booking(api):
    (service,) = (await api.get("/booking-services")).json()["data"]
    await api.patch(f"/booking-services/{service['id']}", json={"confirmation": "firm"})
    start = (await free(api))[0]["start"]
    answer = await api.post("/public/bookings", json={"service": "consulta", "start": start, **GUEST})
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "pending"
    made = (await api.get(f"/bookings/{answer.json()['id']}")).json()
    assert made["source"] == "web"


async def test_what_is_wrong_is_named_as_it_was_sent(site):
    answer = await book(site, (await free(site))[0]["start"], duration=45)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/duration"]


async def test_sending_the_form_again_from_the_page_before_is_no_second_booking(api, people, page):
    at = await first_time(people, page)
    path = at.partition("?")[0]
    before, again = [worked((await people.get(at)).text, **GUEST) for _ in range(2)]
    assert (await people.post(path, data=before)).status_code == 303
    refused = await people.post(path, data=again)
    assert refused.status_code == 409
    assert "Alguien acaba de reservar esa hora." in refused.text
    assert len((await api.get("/bookings")).json()["data"]) == 1


async def test_a_service_called_contact_can_be_booked(api, people, page):
    made = (await api.post("/booking-services", json={"name": "Contact"})).json()
    assert made["slug"] == "contact"
    assert f'href="{page}/{made["id"]}"' in (await people.get(page)).text
    at = await first_time(people, page, made["id"])
    form = await people.get(at)
    answer = await people.post(at.partition("?")[0], data=worked(form.text, **GUEST))
    assert answer.status_code == 303
    assert (await api.get("/bookings")).json()["data"][0]["service"] == "Contact"


async def test_what_goes_wrong_in_the_frame_can_be_read_there(api, people):
    key = await publishable_key(api, ORIGIN)
    await api.delete(f"/publishable-keys/{key['id']}")
    working = await publishable_key(api, ORIGIN)
    for path in (f"/embed/{key['key']}", f"/embed/{working['key']}/nada"):
        answer = await people.get(path)
        assert answer.status_code == 404
        assert f"frame-ancestors {ORIGIN}" in answer.headers["content-security-policy"]
        assert "x-frame-options" not in answer.headers
    unknown = await people.get("/embed/pk_live_cnt_" + "A" * 36)
    assert unknown.headers["x-frame-options"] == "DENY"


async def test_a_proof_is_spent_by_what_is_refused(api, site):
    """Otherwise one proof would try every time of the calendar."""
    given, slots = await proof(site), await free(site)
    body = {"service": "consulta", **GUEST, "proof": given}
    at_night = slots[0]["start"][:11] + "02:00:00Z"
    assert (await site.post("/public/bookings", json={**body, "start": at_night})).status_code == 422
    again = await site.post("/public/bookings", json={**body, "start": slots[0]["start"]})
    assert again.json()["code"] == "proof_refused"
    assert (await api.get("/bookings")).json()["data"] == []


async def test_pages_of_others_send_nothing_for_their_readers(api, people, page):
    """Each of their readers would come from another address."""
    at = await first_time(people, page)
    path, values = at.partition("?")[0], worked((await people.get(at)).text, **GUEST)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        refused = await people.post(path, data=values, headers=headers)
        assert refused.status_code == 403
    assert (await api.get("/bookings")).json()["data"] == []
    key = await publishable_key(api)
    framed = await people.post(
        path.replace(page, f"/embed/{key['key']}"), data=values, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert framed.status_code == 303
