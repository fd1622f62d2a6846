"""What a change of a booking costs: the same statements however many hosts and other bookings there are."""

from tests.bookings.arrange import booked, new_member, new_service, open_day
from tests.cases.test_statements import counted  # noqa: F401 - the fixture that counts


async def test_statements_do_not_grow(counted, firm, superuser):  # noqa: F811
    app, counting = counted
    costs = []
    async with firm.client(app) as api:
        day = await open_day(api)
        service = await new_service(api, max_per_day=50, capacity=50)
        guests = [{"name": "Ana Gil", "email": "ana@example.com"}]
        for hour, many in ((10, 1), (16, 8)):
            for number in range(many):
                await new_member(api, f"Miembro{hour}x{number}")
                await booked(api, service_id=service, start=day.at(hour - 4))
            cost, booking = {}, ""
            for name, path, body in (
                ("create", "", {"service_id": service, "start": day.at(hour), "attendees": guests}),
                ("update", "/{}", {"notes": "Otra"}),
                ("reschedule", "/{}/reschedule", {"start": day.at(hour + 2)}),
                ("cancel", "/{}/cancel", {}),
            ):
                send = api.patch if name == "update" else api.post
                with counting() as statements:
                    answer = await send(f"/bookings{path.format(booking)}", json=body)
                assert answer.status_code in {200, 201}, answer.text
                booking, cost[name] = answer.json()["id"], len(statements)
                # A change writes the booking's row once.
                assert sum("UPDATE bookings " in one for one in statements) == (name != "create")
            costs.append(cost)
    assert costs[0] == costs[1]
    assert superuser.execute("select version from bookings where id = %s", [booking]).fetchone() == (4,)
