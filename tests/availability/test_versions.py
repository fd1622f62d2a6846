"""The ETag of free time: it changes when the availability of those concerned may have, and not before."""

from datetime import UTC, datetime

import pytest

from tests.availability.arrange import booked, new_service, own_hours
from tests.bookings.arrange import new_member

DAY = f"{datetime.now(UTC).year + 1}-06-16"


@pytest.fixture
async def asked(api, firm):
    """A question about one of two providers, and the answer's ETag and version."""
    await own_hours(api, ("09:00", "12:00"))
    service = await new_service(api)

    async def ask(path="/availability/slots", **headers):
        params = {"service_id": service, "provider_id": firm.owner_id, "date": DAY}
        return await api.get(path, params=params, headers=headers)

    return service, ask


@pytest.mark.parametrize("path", ["/availability", "/availability/slots"])
async def test_304_until_something_changes(api, firm, asked, path):
    service, ask = asked
    first = await ask(path)
    again = await ask(path, **{"If-None-Match": first.headers["etag"]})
    if again.status_code != 304:  # a minute began in between, and with it another notice
        again = await ask(path, **{"If-None-Match": again.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await booked(api, service_id=service, provider_id=firm.owner_id, start=f"{DAY}T07:00:00Z")
    changed = await ask(path, **{"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.json()["version"] != first.json()["version"]
    assert changed.json()["data"] != first.json()["data"]


async def test_what_concerns_somebody_else_changes_nothing(api, firm, asked):
    service, ask = asked
    member = await new_member(api, "Berta")
    before = (await ask()).json()["version"]
    await booked(api, service_id=service, provider_id=member, start=f"{DAY}T07:00:00Z")
    away = {"provider_id": member, "start": f"{DAY}T07:00:00Z", "end": f"{DAY}T08:00:00Z", "kind": "sick"}
    assert (await api.post("/time-off", json=away)).status_code == 201
    assert (await ask()).json()["version"] == before


async def test_whatever_decides_it_moves_the_version(api, firm, asked):
    service, ask = asked
    schedule = (await api.get("/schedules")).json()["data"][0]["id"]
    seen = {(await ask()).json()["version"]}
    own = {"provider_id": firm.owner_id, "start": f"{DAY}T07:00:00Z", "end": f"{DAY}T08:00:00Z"}
    changes = (
        ("PATCH", f"/booking-services/{service}", {"slot_step": 15}),
        ("PUT", f"/schedules/{schedule}/overrides/{DAY}", {"spans": [{"from": "10:00", "to": "12:00"}]}),
        ("POST", "/time-off", {**own, "kind": "block"}),
        ("POST", "/bookings/holds", {"service_id": service, "start": f"{DAY}T09:00:00Z"}),
        ("POST", "/users", {"name": "Berta", "email": "berta@bufete.example", "role": "provider"}),
    )
    for method, path, body in changes:
        answer = await api.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        version = (await ask()).json()["version"]
        assert version not in seen, path
        seen.add(version)
