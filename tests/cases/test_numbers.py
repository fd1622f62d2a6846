"""Case numbers: gapless within a firm and a year, whatever happens at the same time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conecta.cases import rules, service
from conecta.kit.validation import Refused
from tests.cases.arrange import SEED, new_case, new_client, table_counts


async def _numbers(api):
    found, cursor = [], {}
    while True:
        page = (await api.get("/cases", params={"sort": "number", "limit": 100, **cursor})).json()
        found += [case["number"] for case in page["data"]]
        if not page["has_more"]:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_a_hundred_parallel_creates_and_as_many_failures_leave_no_gap(api, superuser):
    client_id = await new_client(api)
    taken = await new_case(api, client_id, external_id="tomado")
    requests = []
    for index in range(100):
        good = {**SEED, "client_id": client_id, "title": f"Bueno {index}"}
        requests.append(api.post("/cases", json=good))
        match index % 5:
            case 0:  # refused before the number is taken
                requests.append(api.post("/cases", json={**good, "category": "ninguna"}))
            case 1:  # refused by the schema
                requests.append(api.post("/cases", json={**good, "title": ""}))
            case 2:  # refused by the look-up of the external id
                requests.append(api.post("/cases", json={**good, "external_id": "tomado"}))
            case 3:  # the number is taken, the row is not written, and the whole rolls back: only one wins
                requests.append(api.post("/cases", json={**good, "external_id": f"par-{index // 20}"}))
            case 4:  # the same inside the savepoint of a remembered answer
                headers = {"Idempotency-Key": f"clave-{index}"}
                body = {**good, "external_id": f"par-{index // 20}"}
                requests.append(api.post("/cases", json=body, headers=headers))
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {201, 409, 422}
    made = [answer.json()["number"] for answer in answers if answer.status_code == 201]
    assert len(made) == 100 + 5  # five external ids, each won once
    year = taken["number"][4:8]
    assert sorted([*made, taken["number"]]) == [f"EXP-{year}-{n:04}" for n in range(1, 107)]
    assert await _numbers(api) == sorted([*made, taken["number"]])
    counts = table_counts(superuser)
    assert counts["cases"] == counts["events"] == counts["case_activities"] == 106


async def test_firms_count_apart(api, app, other_firm):
    client_id = await new_client(api)
    mine = [(await new_case(api, client_id))["number"] for _ in range(2)]
    async with other_firm.client(app) as other:
        theirs = (await new_case(other, await new_client(other)))["number"]
    assert [number[-4:] for number in (*mine, theirs)] == ["0001", "0002", "0001"]


def _move_clock(superuser, tenant_id, moment):
    offset = int((moment - datetime.now(UTC)).total_seconds())
    superuser.execute("update tenants set clock_offset_seconds = %s where id = %s", [offset, tenant_id])


async def test_numbers_start_again_when_the_year_changes_in_madrid(app, firm, superuser):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        client_id = await new_client(sandbox)
        # 23:30 in Madrid is 22:30 UTC on the last day of the year; an hour later it is the next year there.
        _move_clock(superuser, firm.sandbox_id, datetime(2030, 12, 31, 22, 30, tzinfo=UTC))
        before = [(await new_case(sandbox, client_id))["number"] for _ in range(2)]
        _move_clock(superuser, firm.sandbox_id, datetime(2030, 12, 31, 23, 30, tzinfo=UTC))
        after = await new_case(sandbox, client_id)
        _move_clock(superuser, firm.sandbox_id, datetime(2030, 6, 1, 12, 0, tzinfo=UTC))
        back = (await new_case(sandbox, client_id))["number"]
        assert before == ["EXP-2030-0001", "EXP-2030-0002"]
        assert after["number"] == "EXP-2031-0001"
        assert after["created_at"].startswith("2030-12-31T23:")
        assert back == "EXP-2030-0003"
        assert await _numbers(sandbox) == [*before, back, after["number"]]


async def test_the_zone_of_the_firm_decides_the_year(app, firm, superuser):
    superuser.execute("update tenants set time_zone = 'Atlantic/Canary' where id = %s", [firm.sandbox_id])
    _move_clock(superuser, firm.sandbox_id, datetime(2030, 12, 31, 23, 30, tzinfo=UTC))
    async with firm.client(app, firm.sandbox_key) as sandbox:
        assert (await new_case(sandbox, await new_client(sandbox)))["number"] == "EXP-2030-0001"


async def test_format_of_the_firm(api, firm, superuser):
    client_id = await new_client(api)
    superuser.execute("update tenants set case_number_format = '{number}/{yy}-Ñ' where id = %s", [firm.id])
    year = datetime.now(UTC).year % 100
    assert (await new_case(api, client_id))["number"] == f"1/{year}-Ñ"
    superuser.execute("update case_counters set last_number = 99999")
    assert (await new_case(api, client_id))["number"] == f"100000/{year}-Ñ"
    superuser.execute("update tenants set case_number_format = 'X{year}{number:03}' where id = %s", [firm.id])
    assert (await new_case(api, client_id))["number"] == f"X20{year}100001"
    by_number = (await api.get("/cases", params={"sort": "-number"})).json()["data"]
    assert [case["number"] for case in by_number] == [f"X20{year}100001", f"100000/{year}-Ñ", f"1/{year}-Ñ"]


@pytest.mark.parametrize("broken", ["{number}", "EXP-{year}", "{0.__class__}{year}{number}", "{year}{number"])
async def test_an_unusable_format_refuses_and_takes_no_number(api, firm, superuser, broken):
    client_id = await new_client(api)
    superuser.execute("update tenants set case_number_format = %s where id = %s", [broken, firm.id])
    answer = await api.post("/cases", json={**SEED, "client_id": client_id})
    assert (answer.status_code, answer.json()["code"]) == (409, "case_number_unavailable")
    assert broken in answer.json()["detail"]
    superuser.execute("update tenants set case_number_format = 'A{year}-{number}' where id = %s", [firm.id])
    assert (await new_case(api, client_id))["number"].endswith("-1")


async def test_a_number_that_exists_is_never_given_again(api, firm, superuser):
    client_id = await new_client(api)
    first = await new_case(api, client_id)
    superuser.execute("update case_counters set last_number = 0")
    before = table_counts(superuser)
    answer = await api.post("/cases", json={**SEED, "client_id": client_id})
    assert (answer.status_code, answer.json()["code"]) == (409, "case_number_unavailable")
    assert table_counts(superuser) == before
    assert superuser.execute("select last_number from case_counters").fetchall() == [(0,)]
    assert (await api.get(f"/cases/{first['id']}")).json() == first


def _written(superuser, text, number):
    return superuser.execute("select case_number(%s, 2026, %s)", [text, number]).fetchone()[0]


@pytest.mark.parametrize(
    ("text", "number", "written"),
    [
        ("EXP-{year}-{number:04}", 7, "EXP-2026-0007"),
        ("EXP-{year}-{number:04}", 12345, "EXP-2026-12345"),
        ("{yy}/{number}", 7, "26/7"),
        ("{number:09}.{year}", 7, "000000007.2026"),
        ("Nº {number} de {year}", 7, "Nº 7 de 2026"),
        ("{year}{yy}#{number:01}", 7, "202626#7"),
    ],
)
def test_formats(superuser, text, number, written):
    service.check_number_format(text)
    assert _written(superuser, text, number) == written


@pytest.mark.parametrize(
    "text",
    [
        "", "EXP", "{number}", "{year}", "{year}{number}{number}", "{year}{number:4}", "{year}{number:010}",
        "{year}{number:00}", "{year}{number!r}", "{year.real}{number}", "{}{year}{number}",
        "{{{year}}}{number}", "{year}{number}\n", "{year}{number}\x00", "%s{year}{number}", "{YEAR}{number}",
        "{year}{number}" + "x" * 60,
    ],
)  # fmt: skip
def test_formats_that_are_refused(text):
    with pytest.raises(Refused):
        service.check_number_format(text)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["{year}", "{yy}", "{number}", "{number:03}", "-", "1", "x", "{", "}", "0"]),
        max_size=9,
    ),
    st.integers(1, 2**31 - 2),
)
def test_any_format_is_refused_or_gives_different_numbers(superuser, pieces, number):
    text = "".join(pieces)
    try:
        service.check_number_format(text)
    except Refused:
        return
    one, next_one = _written(superuser, text, number), _written(superuser, text, number + 1)
    assert one != next_one
    assert str(number) in one
    assert "{" not in one
    assert "26" in one


def test_year_of_the_firm():
    new_year = datetime(2030, 12, 31, 23, 0, tzinfo=UTC)
    assert rules.year_of(new_year, "Europe/Madrid") == 2031
    assert rules.year_of(new_year - timedelta(seconds=1), "Europe/Madrid") == 2030
    assert rules.year_of(new_year, "Atlantic/Canary") == 2030
