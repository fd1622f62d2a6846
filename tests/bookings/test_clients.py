"""Clients of the firm with a token of its own app: they book for themselves, and touch nobody else's."""

from datetime import datetime, timedelta

import pytest

from conecta.kit import clock
from tests.bookings.arrange import booked, code_of, new_service, open_day
from tests.clients.access import new_client
from tests.clients.signed_in_app import browser_of, own_app, token_of

ANA, BEN = "ana.gil@cliente.example", "ben@cliente.example"


@pytest.fixture
async def day(api):
    return await open_day(api)


@pytest.fixture
async def people(app, api, firm):
    """Ana and Ben, each with a token, and their ids."""
    oauth = await own_app(app, firm)
    found = {}
    async with oauth.http:
        for name, email in (("ana", ANA), ("ben", BEN)):
            client = await new_client(api, name, email=email)
            async with browser_of(app, api, client, email) as browser:
                found[name] = (client, await token_of(oauth, browser))
        yield found


async def test_a_client_books_for_themselves(api, people, day, firm):
    ana, token = people["ana"]
    service = await new_service(api)
    wanted = {"service_id": service, "start": day.at(10), "notes": "Llevo papeles"}
    answer = await token.call("POST", "/bookings", json=wanted)
    assert answer.status_code == 201, answer.text
    booking = answer.json()
    assert (booking["client_id"], booking["source"], booking["status"]) == (ana, "client", "confirmed")
    assert [guest["email"] for guest in booking["attendees"]] == [ANA]
    assert [guest["status"] for guest in booking["attendees"]] == ["confirmed"]
    assert booking["provider_id"] == firm.owner_id
    listed = (await token.call("GET", "/bookings")).json()["data"]
    assert [one["id"] for one in listed] == [booking["id"]]
    (event,) = (await api.get("/events", params={"type": "booking.created"})).json()["data"]
    assert event["data"]["booking_id"] == booking["id"]
    (line,) = (await api.get(f"/bookings/{booking['id']}/history")).json()["data"]
    assert (line["actor_type"], line["actor_id"]) == ("client", ana)
    path = f"/bookings/{booking['id']}"
    moved = await token.call("POST", f"{path}/reschedule", json={"start": day.at(12)})
    assert (moved.status_code, moved.json()["start"]) == (200, day.at(12))
    gone = await token.call("POST", f"{path}/cancel", json={"reason": "Viaje"})
    assert (gone.status_code, gone.json()["status"]) == (200, "cancelled")


async def test_a_client_is_kept_out_by_others_bookings_without_seeing_them(api, people, day):
    service = await new_service(api)
    theirs = await booked(api, service_id=service, start=day.at(10), client_id=people["ben"][0])
    _, token = people["ana"]
    answer = await token.call("POST", "/bookings", json={"service_id": service, "start": day.at(10)})
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken")
    assert len(answer.json()["next_slots"]) == 3
    assert theirs["id"] not in answer.text


async def test_nobody_elses_booking_is_there(api, people, day, superuser):
    service = await new_service(api)
    theirs = await booked(api, service_id=service, start=day.at(10), client_id=people["ben"][0])
    nobodys = await booked(api, service_id=service, start=day.at(12))
    before = superuser.execute("select to_jsonb(b) from bookings b order by 1").fetchall()
    _, token = people["ana"]
    assert (await token.call("GET", "/bookings")).json()["data"] == []
    for booking in (theirs, nobodys):
        path = f"/bookings/{booking['id']}"
        assert (await token.call("GET", path)).status_code == 404
        for action in ("cancel", "confirm", "reschedule"):
            body = {"start": day.at(16)} if action == "reschedule" else {}
            answer = await token.call("POST", f"{path}/{action}", json=body)
            assert answer.status_code == 404, action
        for action in ("complete", "no-show"):
            assert (await token.call("POST", f"{path}/{action}", json={})).status_code == 403
        assert (await token.call("GET", f"{path}/history")).status_code == 403
    assert superuser.execute("select to_jsonb(b) from bookings b order by 1").fetchall() == before


@pytest.mark.parametrize(
    ("more", "pointer", "code"),
    [
        ({"bypass_rules": True}, "/bypass_rules", "firm_only"),
        ({"external_id": "x"}, "/external_id", "firm_only"),
        ({"custom_fields": {"a": 1}}, "/custom_fields", "firm_only"),
        ({"service": "Lo que yo diga"}, "/service", "firm_only"),
        ({"service_id": None}, "/service_id", "required"),
        ({"location": {"kind": "client_address", "detail": "Mi casa"}}, "/location", "not_allowed"),
    ],
)
async def test_what_only_the_firm_may(api, people, day, superuser, more, pointer, code):
    _, token = people["ana"]
    wanted = {"service_id": await new_service(api), "start": day.at(10), **more}
    answer = await token.call("POST", "/bookings", json=wanted)
    assert answer.status_code == 422, answer.text
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert superuser.execute("select count(*) from bookings").fetchone()[0] == 0


async def test_a_client_books_nothing_for_somebody_else(api, people, day):
    _, token = people["ana"]
    wanted = {"service_id": await new_service(api), "start": day.at(10), "client_id": people["ben"][0]}
    answer = await token.call("POST", "/bookings", json=wanted)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_client")


async def test_a_service_that_is_not_public_is_unknown_to_clients(api, people, day):
    service = await new_service(api, public=False)
    _, token = people["ana"]
    answer = await token.call("POST", "/bookings", json={"service_id": service, "start": day.at(10)})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/service_id"
    await booked(api, service_id=service, start=day.at(10))


async def test_what_the_firm_notes_for_itself_a_client_does_not_read(api, people, day):
    ana, token = people["ana"]
    service = await new_service(api)
    more = {"external_id": "crm-77", "custom_fields": {"riesgo": "alto"}}
    booking = await booked(api, service_id=service, start=day.at(10), client_id=ana, **more)
    answer = await token.call("GET", f"/bookings/{booking['id']}")
    assert (answer.json()["external_id"], answer.json()["custom_fields"]) == (None, {})
    assert set(answer.json()) == set(booking)


async def test_what_the_firm_has_to_accept_only_the_firm_confirms(api, people, day):
    _, token = people["ana"]
    wanted = {"service_id": await new_service(api, confirmation="firm"), "start": day.at(10)}
    booking = (await token.call("POST", "/bookings", json=wanted)).json()
    assert booking["status"] == "pending"
    answer = await token.call("POST", f"/bookings/{booking['id']}/confirm", json={})
    assert (answer.status_code, code_of(answer)) == (409, "confirmation_of_firm")
    answer = await api.post(f"/bookings/{booking['id']}/confirm")
    assert answer.json()["status"] == "confirmed"


async def test_a_client_confirms_what_waits_for_them(api, people, day):
    ana, token = people["ana"]
    service = await new_service(api, confirmation="client")
    booking = await booked(api, service_id=service, start=day.at(10), client_id=ana)
    answer = await token.call("POST", f"/bookings/{booking['id']}/confirm", json={})
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
    (event,) = (await api.get("/events", params={"type": "booking.confirmed"})).json()["data"]
    assert event["data"]["confirmed_by"] == "client"


async def test_trap_8_a_clients_hold_is_theirs_alone(api, people, day, superuser):
    ana, of_ana = people["ana"]
    _, of_ben = people["ben"]
    service = await new_service(api)
    answer = await of_ana.call("POST", "/bookings/holds", json={"service_id": service, "start": day.at(10)})
    assert (answer.status_code, answer.json()["client_id"]) == (201, ana)
    hold = answer.json()["id"]
    answer = await of_ben.call("POST", "/bookings", json={"hold_id": hold})
    assert (answer.status_code, code_of(answer)) == (409, "hold_expired")
    assert (await of_ben.call("DELETE", f"/bookings/holds/{hold}")).status_code == 404
    answer = await of_ben.call("POST", "/bookings", json={"service_id": service, "start": day.at(10)})
    assert (answer.status_code, code_of(answer)) == (409, "slot_taken")
    answer = await of_ana.call("POST", "/bookings", json={"hold_id": hold})
    assert (answer.status_code, answer.json()["client_id"]) == (201, ana)


async def test_trap_18_free_until_the_limit_itself(api, people, day, monkeypatch):
    """At the very microsecond that ends the window a client still may; one later they may not."""
    ana, token = people["ana"]
    start = datetime.fromisoformat(day.at(10))
    minutes = (start - clock.now()) // timedelta(minutes=1)  # so that the limit is this minute
    policy = {"free_cancel_minutes": minutes, "reschedule_minutes": minutes, "max_reschedules": 5}
    service = await new_service(api, policy=policy)
    booking = await booked(api, service_id=service, start=day.at(10), client_id=ana)
    limit, path = start - timedelta(minutes=minutes), f"/bookings/{booking['id']}"
    monkeypatch.setattr(clock, "now", lambda: limit + timedelta(microseconds=1))
    for action, body in (("reschedule", {"start": day.at(12)}), ("cancel", {})):
        answer = await token.call("POST", f"{path}/{action}", json=body)
        assert (answer.status_code, code_of(answer)) == (422, "policy_window"), action
        assert answer.json()["until"] == clock.wire(limit)
    monkeypatch.setattr(clock, "now", lambda: limit)
    answer = await token.call("POST", f"{path}/cancel", json={})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


async def test_a_client_clears_the_way_of_what_others_no_longer_hold(api, people, day, superuser):
    service = await new_service(api)
    wanted = {"service_id": service, "start": day.at(10)}
    _, of_ben = people["ben"]
    assert (await of_ben.call("POST", "/bookings/holds", json=wanted)).status_code == 201
    superuser.execute("update booking_holds set expires_at = now() - interval '1 second'")
    superuser.execute("update booking_claims set expires_at = now() - interval '1 second'")
    answer = await people["ana"][1].call("POST", "/bookings", json=wanted)
    assert answer.status_code == 201, answer.text


async def test_a_client_holds_three_times_at_most(api, people, day):
    _, token = people["ana"]
    service = await new_service(api)
    codes = []
    for hour in (8, 10, 12, 14):
        wanted = {"service_id": service, "start": day.at(hour)}
        codes.append((await token.call("POST", "/bookings/holds", json=wanted)).status_code)
    assert codes == [201, 201, 201, 409]
