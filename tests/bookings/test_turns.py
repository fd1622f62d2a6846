"""Writes of one firm's agenda take turns, and a crowd of one firm keeps no other firm waiting."""

import asyncio
from collections import Counter

from tests.bookings.arrange import open_day

CROWD = 40


async def test_a_crowd_of_one_firm_leaves_the_other_its_connections(app, api, firm, other_firm, superuser):
    day = await open_day(api)
    wanted = {"start": day.at(10), "duration": 30, "bypass_rules": True, "provider_id": firm.owner_id}
    with superuser.transaction():
        # Somebody of the first firm takes very long over their turn.
        superuser.execute("select pg_advisory_xact_lock(hashtextextended('agenda ' || %s, 0))", [firm.id])
        crowd = [asyncio.create_task(api.post("/bookings", json=wanted)) for _ in range(CROWD)]
        async with other_firm.client(app) as others, asyncio.timeout(20):
            for _ in range(3):
                assert (await others.post("/clients", json={"name": "Ajena"})).status_code == 201
            theirs = wanted | {"provider_id": other_firm.owner_id}
            assert (await others.post("/bookings", json=theirs)).status_code == 201
        assert not any(task.done() for task in crowd)
    answers = Counter(answer.status_code for answer in await asyncio.gather(*crowd))
    assert answers == {201: 1, 409: CROWD - 1}
