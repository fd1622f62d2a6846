"""What every firm can be booked with from its first minute: a service, hours, the national holidays."""

import datetime as dt
import re
from uuid import uuid4

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from conecta import demo
from conecta.kit import clock
from conecta.kit.migrate import ROLES, SCRIPTS
from conecta.tenants import service as tenants


async def _everything(api):
    lists = {}
    for path in ("/booking-services", "/schedules", "/holiday-calendars", "/rooms", "/time-off"):
        answer = await api.get(path)
        assert answer.status_code == 200, answer.text
        lists[path] = answer.json()["data"]
    return lists


async def test_every_firm_and_its_sandbox_start_bookable(app, firm, other_firm):
    for key in (firm.key, firm.sandbox_key, other_firm.key):
        async with firm.client(app, key) as caller:
            found = await _everything(caller)
        (service,) = found["/booking-services"]
        assert (service["name"], service["slug"], service["durations"]) == ("Consulta", "consulta", [30, 60])
        assert (service["active"], service["public"], service["hosts"], service["room_ids"]) == (
            True,
            True,
            [],
            [],
        )
        (schedule,) = found["/schedules"]
        assert (schedule["provider_id"], schedule["is_default"]) == (None, True)
        assert (schedule["time_zone"], schedule["holiday_calendar_id"]) == ("Europe/Madrid", None)
        assert schedule["weekly"] == [
            {"day": day, "from": start, "to": end}
            for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
            for start, end in (("09:00", "14:00"), ("16:00", "19:00"))
        ]
        (calendar,) = found["/holiday-calendars"]
        assert (calendar["region"], calendar["is_default"]) == (None, True)
        assert found["/rooms"] == found["/time-off"] == []


async def test_first_calendar_has_the_national_days_of_two_years(api):
    (calendar,) = (await api.get("/holiday-calendars")).json()["data"]
    assert len(calendar["years"]) == 2
    path = f"/holiday-calendars/{calendar['id']}/days"
    for year in calendar["years"]:
        days = (await api.get(path, params={"year": year, "closed": "true"})).json()["data"]
        assert {day["kind"] for day in days} == {"national"}
        assert f"{year}-12-25" in {day["date"] for day in days}
        assert 8 <= len(days) <= 10


async def test_the_demo_firm_can_be_booked_at_once(app, firm):
    printed = await demo.credentials(app.state.database, app.state.keyring, base_url="http://testserver")
    first = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=7)
    for key in (printed["api_key"], printed["sandbox"]["api_key"]):
        async with firm.client(app, key) as caller:
            services = (await caller.get("/booking-services")).json()["data"]
            assert [service["name"] for service in services] == ["Consulta", "Primera consulta"]
            for service in services:
                params = {"service_id": service["id"], "from": first, "to": first + dt.timedelta(days=14)}
                answer = await caller.get("/availability/slots", params=params)
                assert answer.status_code == 200, answer.text
                assert answer.json()["data"]
    async with firm.client(app, printed["api_key"]) as caller:
        found = (await caller.get(f"/booking-services/{printed['service_id']}")).json()
        assert found["slug"] == "primera-consulta"
    again = await demo.credentials(app.state.database, app.state.keyring, base_url="http://testserver")
    assert again["service_id"] == printed["service_id"]


async def test_firms_from_before_get_the_same(postgres, database, dsn):
    """A firm made before the migration has, after it, what a new one starts with."""
    name = f"before_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as server:
        server.execute(f'create database "{name}"')
        try:
            _upgrade(postgres.dsn(name), "0013_client_access")
            with psycopg.connect(postgres.dsn(name), autocommit=True) as old:
                old.execute(
                    "insert into tenants (id, name, plan_id, language, time_zone, case_number_format,"
                    " clock_offset_seconds, created_at, updated_at, version)"
                    " values ('tenant_old', 'Antigua', 'free', 'es', 'Atlantic/Canary', 'x', 0, now(), now(),"
                    " 1)"
                )
            _upgrade(postgres.dsn(name), "head")
            migrated = _seeded(postgres.dsn(name), "tenant_old")
        finally:
            server.execute(f'drop database "{name}" with (force)')
    assert migrated["schedules"][0]["time_zone"] == "Atlantic/Canary"
    migrated["schedules"][0]["time_zone"] = "Europe/Madrid"
    assert migrated == await _of_a_new_firm(database, dsn)


async def _of_a_new_firm(database, dsn):
    # The migration was written in 2026, and so is what it gives.
    clock.move_for_this_context(dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC) - clock.real_now())
    try:
        async with database.transaction(system=True) as session:
            firm = await tenants.create_firm(
                session, name="Nueva", plan="free", owner_name="Eva", owner_email="eva@nueva.example"
            )
    finally:
        clock.move_for_this_context(clock.STILL)
    return _seeded(dsn, firm.tenant_id)


def _upgrade(dsn, revision):
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = create_engine(dsn)
    with psycopg.connect(dsn, autocommit=True) as guard:
        guard.execute(ROLES)
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.commit()
    finally:
        engine.dispose()


def _seeded(dsn, tenant_id):
    """Return the rows of a firm's setup without what no two rows share; their ids are well formed."""
    prefixes = {"booking_services": "svc", "schedules": "sch", "holiday_calendars": "hol", "holidays": "day"}
    unique = "- 'id' - 'tenant_id' - 'calendar_id' - 'created_at' - 'updated_at'"
    found = {}
    with psycopg.connect(dsn) as connection:
        for table, prefix in prefixes.items():
            rows = connection.execute(
                f"select id, to_jsonb(t) {unique} from {table} t where tenant_id = %s", [tenant_id]
            ).fetchall()
            assert all(re.fullmatch(f"{prefix}_[0-9a-hjkmnp-tv-z]{{26}}", row[0]) for row in rows)
            assert len({row[0] for row in rows}) == len(rows)
            found[table] = sorted((row[1] for row in rows), key=str)
    return found
