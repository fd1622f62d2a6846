"""How many statements a request costs, counted by Postgres itself in its own log."""

import re
from contextlib import contextmanager

import psycopg
import pytest

from conecta.app import create_app
from tests.cases.arrange import SEED, new_case, new_client


@pytest.fixture
async def counted(settings, dsn, superuser, run_folder):
    """The application on connections whose every statement Postgres logs, and a way to count them."""
    name = superuser.info.dbname
    superuser.execute(f"alter database \"{name}\" set log_statement = 'all'")
    log = run_folder / "postgres" / "postgres.log"
    # One line for each statement, prepared or not; those of other workers' databases do not match.
    of_ours = re.compile(rf"\] {name} LOG:  (?:statement|execute [^:]*): (.*)")
    app = create_app(settings, dsn=dsn)

    @contextmanager
    def counting():
        found = []
        start = log.stat().st_size
        yield found
        with log.open("rb") as file:
            file.seek(start)
            lines = file.read().decode().splitlines()
        statements = (of_ours.search(line) for line in lines)
        # The background writer of last uses runs when it likes.
        found += [match[1] for match in statements if match and "last_used" not in match[1]]

    try:
        async with app.router.lifespan_context(app):
            await app.state.request_log.stop()  # it writes whenever a second is over
            yield app, counting
    finally:
        superuser.execute(f'alter database "{name}" reset log_statement')


async def test_create_is_one_statement_with_its_transactions_beginning_and_a_commit(counted, firm):
    app, counting = counted
    async with firm.client(app) as api:
        client_id = await new_client(api)
        await new_case(api, client_id)
        with counting() as statements:
            await new_case(
                api,
                client_id,
                assigned_provider_id=firm.owner_id,
                tags=["a", "b"],
                external_id="x",
                parties=[{"name": "Ana", "role": "witness"}],
            )
    admission, create, commit = statements
    assert admission.startswith("execute s"), statements
    assert create.startswith("begin; execute s"), statements
    assert create.count("execute s") == 2, statements  # who is asking, and what
    assert commit == "commit", statements


async def test_a_refused_create_takes_no_number(counted, firm, superuser):
    app, counting = counted
    async with firm.client(app) as api:
        client_id = await new_client(api)
        await new_case(api, client_id, external_id="x")
        with counting() as statements:
            answer = await api.post("/cases", json={**SEED, "client_id": client_id, "external_id": "x"})
    assert answer.status_code == 409
    assert superuser.execute("select last_number from case_counters").fetchall() == [(1,)]
    assert statements[-1] == "rollback", statements


@pytest.mark.parametrize(
    ("url", "params", "count"),
    [
        ("/cases", {}, 2),
        ("/cases", {"status": "open", "category": "civil"}, 2),
        ("/cases", {"tag": "a"}, 3),
        ("/cases", {"q": "reclamación", "tag": "a", "custom_field": "k:1"}, 3),
        ("/cases", {"q": "reclamación", "include": "total"}, 4),
        ("/cases/{id}", {}, 2),
        ("/cases/{id}/activities", {}, 3),
        ("/cases/{id}/notes", {}, 3),
    ],
)
async def test_a_list_costs_the_same_for_one_row_and_for_many(counted, firm, url, params, count):
    app, counting = counted
    costs = []
    async with firm.client(app) as api:
        client_id = await new_client(api)
        for size in (1, 12):
            for _ in range(size):
                case = await new_case(api, client_id, tags=["a"], custom_fields={"k": 1})
            for number in range(size):
                await api.post(f"/cases/{case['id']}/notes", json={"content": f"nota {number}"})
            where = url.format(id=case["id"])
            assert (await api.get(where, params=params)).status_code == 200
            with counting() as statements:
                assert (await api.get(where, params=params)).status_code == 200
            costs.append(len(statements))
    # One of them looks up the key and its limits.
    assert costs == [count, count], statements


def test_the_count_is_not_blind(superuser, counted):
    _, counting = counted
    with psycopg.connect(superuser.info.dsn, autocommit=True) as connection, counting() as statements:
        connection.execute("select 1")
        connection.execute("select %s::int", [2])
    assert statements == ["select 1", "select $1::int"]
