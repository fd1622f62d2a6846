"""What a month of slots costs: the same few statements for one provider and for a dozen."""

import pytest

from tests.availability.arrange import new_service, own_hours
from tests.bookings.arrange import new_member
from tests.cases.test_statements import counted  # noqa: F401 - the fixture that counts


@pytest.mark.parametrize("path", ["/availability/slots", "/availability", "/calendar"])
async def test_statements_of_a_month_do_not_grow_with_the_hosts(counted, firm, path):  # noqa: F811
    app, counting = counted
    async with firm.client(app) as api:
        await own_hours(api, ("09:00", "14:00"))
        service = await new_service(api, max_per_day=3, max_per_week=9, capacity=2)
        params = {"from": "2027-06-01", "to": "2027-06-30"}
        if path != "/calendar":
            params["service_id"] = service
        costs = []
        for members in (0, 11):
            for number in range(members):
                member = await new_member(api, f"Miembro{number}")
                weekly = [{"day": "monday", "from": "10:00", "to": "12:00"}]
                own = {"name": "Propio", "provider_id": member, "is_default": True, "weekly": weekly}
                made = await api.post("/schedules", json=own)
                assert made.status_code == 201, made.text
                booking = {"service_id": service, "provider_id": member, "start": "2027-06-07T08:00:00Z"}
                assert (await api.post("/bookings", json=booking)).status_code == 201
            assert (await api.get(path, params=params)).status_code == 200
            with counting() as statements:
                answer = await api.get(path, params=params)
            assert answer.status_code == 200
            costs.append(len(statements))
    # One of them looks up the key and its limits.
    assert costs[0] == costs[1] == (2 if path == "/calendar" else 3), statements


async def test_not_modified_costs_one_look(counted, firm):  # noqa: F811
    app, counting = counted
    async with firm.client(app) as api:
        params = {"from": "2027-06-01", "to": "2027-06-30"}
        for _ in range(3):  # until no minute begins in between
            known = (await api.get("/availability/slots", params=params)).headers["etag"]
            with counting() as statements:
                answer = await api.get("/availability/slots", params=params, headers={"If-None-Match": known})
            if answer.status_code == 304:
                break
    assert answer.status_code == 304
    # One looks up the key, and one the versions; a connection may prepare it for the first time.
    assert len([text for text in statements if not text.startswith("prepare")]) == 2, statements
