"""The pull feed: every event once, whenever it was committed, from whichever cursor.

Transactions of other databases on the same server hold the feed back, too, so the tests wait for what they
expect instead of expecting it at once.
"""

import asyncio
import json
import random
import time

import psycopg
import pytest

from conecta.events import rules
from conecta.kit.ids import new_id
from tests.cases.arrange import new_case, new_client
from tests.webhooks.endpoints import add_event

PATIENCE = 90  # seconds


class Reader:
    """Follows the feed as an integrator would, and notes the ids it was given."""

    def __init__(self, api, **params):
        self.api, self.params = api, params
        self.seen = []

    async def poll(self):
        """Ask once, go on from the answer's cursor, and return the answer."""
        answer = await self.api.get("/events/feed", params=self.params)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body.keys() == {"data", "has_more", "next_cursor"}
        self.seen += [event["id"] for event in body["data"]]
        self.params["cursor"] = body["next_cursor"]
        return body

    async def drain(self):
        """Ask until there is no more for now."""
        while (await self.poll())["has_more"]:
            pass

    async def until_seen(self, count):
        """Poll until that many events have come."""
        deadline, pause = time.monotonic() + PATIENCE, 0.01
        while len(self.seen) < count:
            assert time.monotonic() < deadline, f"{len(self.seen)} of {count} events came"
            await self.poll()
            # A long transaction of another worker's database holds the feed back: the minute's limit is not
            # to be spent on waiting for it.
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.5)


async def write(connection, tenant_id, event_id=None):
    """Write an event in the connection's open transaction and return its id."""
    event_id = event_id or new_id("wh_evt")
    body = {"id": event_id, "type": "case.created", "created": "2026-01-17T14:30:00Z"}
    await connection.execute(
        "insert into events (tenant_id, id, type, resource_id, payload, created_at)"
        " values (%s, %s, 'case.created', 'cas_x', %s, now())",
        [tenant_id, event_id, json.dumps(body | {"tenant_id": tenant_id, "data": {}})],
    )
    return event_id


async def test_oldest_first_with_a_cursor_that_is_always_there(api, firm, superuser):
    reader = Reader(api, limit=2)
    empty = await reader.poll()
    assert (empty["data"], empty["has_more"]) == ([], False)
    made = [add_event(superuser, firm.id) for _ in range(5)]
    await reader.until_seen(5)
    assert reader.seen == made
    idle = await reader.poll()
    assert (idle["data"], idle["has_more"]) == ([], False)
    made.append(add_event(superuser, firm.id))
    await reader.until_seen(6)
    assert reader.seen == made
    whole = Reader(api, limit=4)
    first = await whole.poll()
    assert (first["has_more"], whole.seen) == (True, made[:4])
    assert (await whole.poll())["has_more"] is False
    assert whole.seen == made


async def test_the_rows_are_the_delivered_payloads(api, superuser):
    await new_case(api, await new_client(api), title="«Ñ» \u2028")
    payload = superuser.execute("select payload from events").fetchone()[0]
    reader = Reader(api)
    await reader.until_seen(1)
    answer = await api.get("/events/feed")
    assert answer.content.startswith(b'{"data":[' + payload.encode() + b'],"has_more":false,')


async def test_what_commits_late_is_not_skipped(api, firm, dsn):
    """The transaction with the lower number and the lower id commits last; a bare id would lose it."""
    reader = Reader(api)
    async with (
        await psycopg.AsyncConnection.connect(dsn) as slow,
        await psycopg.AsyncConnection.connect(dsn) as fast,
    ):
        first_id, second_id = sorted([new_id("wh_evt"), new_id("wh_evt")])
        late = await write(slow, firm.id, first_id)
        early = await write(fast, firm.id, second_id)
        await fast.commit()
        committed = await api.get("/events")
        assert [event["id"] for event in committed.json()["data"]] == [early]
        for _ in range(3):
            assert (await reader.poll())["data"] == []
        await slow.commit()
    await reader.until_seen(2)
    assert reader.seen == [late, early]


async def test_a_long_transaction_that_fails_only_delays(api, firm, dsn):
    reader = Reader(api)
    async with (
        await psycopg.AsyncConnection.connect(dsn) as slow,
        await psycopg.AsyncConnection.connect(dsn) as fast,
    ):
        await write(slow, firm.id)
        kept = await write(fast, firm.id)
        await fast.commit()
        assert (await reader.poll())["data"] == []
        await slow.rollback()
    await reader.until_seen(1)
    await reader.drain()
    assert reader.seen == [kept]


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("seed", range(3))
async def test_every_event_once_whatever_the_order_of_commits(api, firm, dsn, seed, filtered):
    chance = random.Random(seed)
    reader = Reader(api, limit=2, **({"type": "case.*"} if filtered else {}))
    connections = [await psycopg.AsyncConnection.connect(dsn) for _ in range(8)]
    expected = []
    try:
        for _ in range(4):
            for connection in chance.sample(connections, len(connections)):
                written = [await write(connection, firm.id) for _ in range(chance.randint(1, 2))]
                connection.info_of_test = written
            for connection in chance.sample(connections, len(connections)):
                if chance.random() < 0.25:
                    await connection.rollback()
                else:
                    await connection.commit()
                    expected += connection.info_of_test
                await reader.poll()
        await reader.until_seen(len(expected))
    finally:
        for connection in connections:
            await connection.close()
    await reader.drain()
    assert sorted(reader.seen) == sorted(expected)
    again = Reader(api, limit=100)
    await again.drain()
    assert again.seen == reader.seen


async def test_a_reader_beside_many_writers_of_the_api(api, firm):
    client_id = await new_client(api)
    writing = asyncio.gather(*(new_case(api, client_id) for _ in range(30)))
    reader = Reader(api, limit=3)
    while not writing.done():
        await reader.poll()
    cases = await writing
    await reader.until_seen(30)
    await reader.drain()
    assert len(reader.seen) == len(set(reader.seen)) == len(cases) == 30


async def test_a_filter_leaves_out_and_loses_nothing(api, firm, superuser):
    reader = Reader(api, type="invoice.*", limit=1)
    paid = []
    for number in range(9):
        is_invoice = number % 3 == 2
        made = add_event(superuser, firm.id, kind="invoice.paid" if is_invoice else "case.updated")
        paid += [made] if is_invoice else []
        await reader.poll()
    await reader.until_seen(3)
    assert reader.seen == paid
    # The place in the feed stays when the filter changes.
    last = add_event(superuser, firm.id, kind="case.closed")
    everything = Reader(api, cursor=reader.params["cursor"])
    await everything.until_seen(1)
    assert everything.seen == [last]


async def test_an_idle_feed_can_be_polled_for_304(api, firm, superuser):
    add_event(superuser, firm.id)
    reader = Reader(api)
    await reader.until_seen(1)
    cursor = {"cursor": reader.params["cursor"]}
    idle = await api.get("/events/feed", params=cursor)
    assert idle.json()["next_cursor"] == cursor["cursor"]
    known = {"If-None-Match": idle.headers["etag"]}
    assert (await api.get("/events/feed", params=cursor, headers=known)).status_code == 304


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "many"),
        ("type", "case.crated"),
        ("cursor", ""),
        ("cursor", "forged"),
        ("cursor", "ñ"),
        ("cursor", "A" * 1001),
        ("sort", "created"),
    ],
)
async def test_wrong_parameters_are_explained(api, parameter, value):
    answer = await api.get("/events/feed", params={parameter: value})
    assert answer.status_code == 400, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [parameter]


async def cursor_after_one(api, firm, superuser):
    add_event(superuser, firm.id)
    reader = Reader(api)
    await reader.until_seen(1)
    return reader.params["cursor"]


def assert_invalid_cursor(answer):
    assert answer.status_code == 400
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("cursor", "invalid_cursor")]


async def test_a_cursor_belongs_to_one_firm_and_one_list(api, app, firm, other_firm, superuser):
    cursor = await cursor_after_one(api, firm, superuser)
    async with other_firm.client(app) as stranger:
        assert_invalid_cursor(await stranger.get("/events/feed", params={"cursor": cursor}))
    assert_invalid_cursor(await api.get("/events", params={"cursor": cursor}))
    add_event(superuser, firm.id)
    page = (await api.get("/events", params={"limit": 1})).json()["next_cursor"]
    assert_invalid_cursor(await api.get("/events/feed", params={"cursor": page}))
    for position in range(0, len(cursor), 7):
        wrong = "A" if cursor[position] != "A" else "B"
        forged = cursor[:position] + wrong + cursor[position + 1 :]
        assert_invalid_cursor(await api.get("/events/feed", params={"cursor": forged}))


# --- restored and failed-over databases: cursors as they were handed out before ------------------------


def handed_out(app, firm, superuser, *, cluster=0, timeline=0, **place):
    """Return a cursor of this cluster's history, or of one as many clusters or timelines away."""
    here = superuser.execute(
        "select system_identifier, timeline_id from pg_control_system(), pg_control_checkpoint()"
    ).fetchone()
    epoch = rules.Epoch(here[0] + cluster, here[1] + timeline)
    return rules.sealed(rules.Position(epoch, **place), app.state.keyring, firm.id)


async def test_a_restored_cluster_says_so(api, app, firm, superuser):
    """Rows that were copied keep their transaction numbers, which mean nothing here."""
    event_id = add_event(superuser, firm.id)
    cursor = handed_out(app, firm, superuser, cluster=1, xid="3", id=event_id, last_read=event_id)
    answer = await api.get("/events/feed", params={"cursor": cursor})
    assert_invalid_cursor(answer)
    assert "empieza sin cursor" in answer.json()["errors"][0]["message"]


async def test_after_a_failover_the_last_event_read_finds_the_place_again(api, app, firm, superuser):
    made = [add_event(superuser, firm.id) for _ in range(3)]
    # The old history had gone on to a transaction number that the new one has not reached.
    cursor = handed_out(app, firm, superuser, timeline=-1, xid="9000000000", id="", last_read=made[0])
    reader = Reader(api, cursor=cursor)
    await reader.until_seen(2)
    assert reader.seen == made[1:]


async def test_after_a_failover_that_lost_the_last_event_read_nothing_is_skipped(api, app, firm, superuser):
    made = add_event(superuser, firm.id)
    lost = new_id("wh_evt")
    cursor = handed_out(app, firm, superuser, timeline=-1, xid="9000000000", id=lost, last_read=lost)
    assert_invalid_cursor(await api.get("/events/feed", params={"cursor": cursor}))
    never_read = handed_out(app, firm, superuser, timeline=-1, xid="9000000000")
    reader = Reader(api, cursor=never_read)
    await reader.until_seen(1)
    assert reader.seen == [made]


async def test_the_last_event_read_of_another_firm_proves_nothing(api, app, firm, other_firm, superuser):
    foreign = add_event(superuser, other_firm.id)
    cursor = handed_out(app, firm, superuser, timeline=-1, xid="3", id=foreign, last_read=foreign)
    assert_invalid_cursor(await api.get("/events/feed", params={"cursor": cursor}))


async def test_events_that_retention_has_deleted_do_not_spoil_the_cursor(api, firm, superuser):
    cursor = await cursor_after_one(api, firm, superuser)
    superuser.execute("delete from events")
    kept = add_event(superuser, firm.id)
    reader = Reader(api, cursor=cursor)
    await reader.until_seen(1)
    assert reader.seen == [kept]
