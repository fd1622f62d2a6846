"""Plans and statements: what a list costs does not grow with the table, nor with the page."""

import re
from collections.abc import Mapping
from typing import Any

import psycopg
from starlette.requests import Request

from conecta.cases import queries
from conecta.cases.activities import queries as activities
from conecta.cases.activities.schemas import ActivityFilters
from conecta.cases.models import MATCHING_CASES_FUNCTION
from conecta.cases.schemas import CaseFilters
from conecta.kit.pages import Pager
from tests.cases.arrange import as_program, new_case, new_client

ROWS = 20_000

_FILL = """
insert into cases (tenant_id, id, number, number_key, client_id, category, title, description,
  assigned_provider_id, status, priority, tags, parties, external_id, custom_fields, closed_at, created_at,
  updated_at, version)
select %(tenant)s, 'cas_' || lpad(n::text, 26, '0'), 'N-' || n, 1000000000 + n, %(client)s,
  (array['civil', 'penal', 'fiscal'])[1 + n %% 3],
  'Expediente de prueba ' || n || case when n %% 1000 = 0 then ' hipoteca' else '' end,
  'Descripción del asunto número ' || n || ' con palabras repetidas', %(provider)s,
  case when n %% 50 = 0 then 'on_hold' when n %% 2 = 0 then 'closed' else 'open' end,
  case when n %% 100 = 0 then 'urgent' else 'normal' end,
  case when n %% 500 = 0 then array['rara'] else array['corriente'] end, '[]', 'ext-' || n,
  jsonb_build_object('sala', n %% 700), case when n %% 2 = 0 and n %% 50 <> 0 then now() end,
  now() - n * interval '1 minute', now() - n * interval '1 minute', 1
from generate_series(1, %(rows)s) n
"""


class Explaining:
    """Reads that look at the plans of every statement they run, as the program's own role.

    A connection prepares its statements, so that Postgres may plan them with the values or without.
    """

    def __init__(self, connection, tenant_id):
        self._connection, self._tenant_id, self.plans = connection, tenant_id, []

    async def rows(self, sql: str, params: Mapping[str, Any]):
        names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
        numbered = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", sql).replace(
            "%%", "%"
        )
        places = f"({', '.join(['%s'] * len(names))})" if names else ""
        values = [params[name] for name in names]
        with as_program(self._connection, self._tenant_id) as program:
            program.execute(f"prepare trial as {numbered}")
            cursor = psycopg.ClientCursor(program)
            for mode in ("force_custom_plan", "force_generic_plan"):
                cursor.execute(f"set local plan_cache_mode = {mode}")
                plan = cursor.execute(f"explain execute trial{places}", values).fetchall()
                self.plans.append("\n".join(row[0] for row in plan))
            rows = cursor.execute(f"execute trial{places}", values).fetchall()
            program.execute("deallocate trial")
        return rows


async def test_with_twenty_thousand_cases(api, app, firm, other_firm, superuser):
    """One table for all of it: filling it takes longer than looking."""
    for each, rows in ((other_firm, ROWS // 4), (firm, ROWS)):
        async with each.client(app) as caller:
            client_id = await new_client(caller)
        values = {"tenant": each.id, "client": client_id, "provider": each.owner_id, "rows": rows}
        superuser.execute(_FILL, values)
    superuser.execute("vacuum analyze")  # as autovacuum does by and by
    _the_search_function_uses_its_indexes(firm, superuser)
    await _lists_use_an_index(app, firm, superuser)
    await _few_and_many_are_found_alike(api)
    await _the_timeline_uses_an_index(api, app, firm, client_id, superuser)


def _pager(app, tenant_id):
    scope = {"type": "http", "method": "GET", "path": "/cases", "query_string": b"", "headers": []}
    return Pager(Request(scope), app.state.keyring, tenant_id)


LISTS = [
    ({}, ["ix_cases_tenant_id_created_at_id"]),
    ({"sort": "created_at"}, ["ix_cases_tenant_id_created_at_id"]),
    ({"sort": "updated_at"}, ["ix_cases_tenant_id_updated_at_id"]),
    ({"sort": "-number"}, ["ix_cases_tenant_id_number_key_id"]),
    ({"status": "on_hold"}, ["ix_cases_status"]),
    ({"status": "open"}, ["ix_cases_status"]),
    ({"status": "archived"}, ["ix_cases_status"]),
    ({"status": "archived", "sort": "updated_at"}, ["ix_cases_status"]),
    ({"status": "on_hold,archived"}, ["ix_cases_status"]),
    ({"status": "open,closed"}, ["ix_cases_status", "ix_cases_tenant_id_created_at_id"]),
    ({"client_id": "cli_nadie"}, ["ix_cases_client"]),
    ({"assigned_provider_id": "usr_nadie"}, ["ix_cases_provider"]),
    ({"category": "laboral"}, ["ix_cases_category"]),
    ({"priority": "urgent"}, ["ix_cases_priority"]),
    ({"external_id": "ext-7"}, ["uq_cases_tenant_id_external_id"]),
    ({"tag": "rara"}, ["pk_case_tags", "pk_cases"]),
    ({"tag": "corriente"}, ["pk_case_tags", "ix_cases_tenant_id_created_at_id"]),
    ({"custom_field": "sala:3"}, ["pk_case_custom_fields", "pk_cases"]),
    ({"q": "hipoteca"}, ["ProjectSet", "pk_cases"]),
    ({"q": "expediente"}, ["ProjectSet", "ix_cases_tenant_id_created_at_id"]),
    ({"q": "expediente", "tag": "rara"}, ["ProjectSet", "pk_case_tags", "pk_cases"]),
    ({"created_after": "2026-01-01T00:00:00Z"}, ["ix_cases_tenant_id_created_at_id"]),
    ({"updated_after": "2100-01-01T00:00:00Z"}, ["ix_cases_tenant_id_updated_at_id"]),
]


async def _lists_use_an_index(app, firm, superuser):
    for params, indexes in LISTS:
        reads = Explaining(superuser, firm.id)
        filters = CaseFilters.model_validate(params)
        await queries.page(reads, _pager(app, firm.id), firm.id, filters, own=None)
        for plans in (reads.plans[::2], reads.plans[1::2]):
            for index in indexes:
                assert index in "\n".join(plans), (params, plans)
            for plan in plans:
                assert not re.search(r"Seq Scan on (cases|case_tags|case_custom_fields)", plan), (
                    params,
                    plan,
                )


async def _the_timeline_uses_an_index(api, app, firm, client_id, superuser):
    case = await new_case(api, client_id)
    for kind in (None, "updated"):
        reads = Explaining(superuser, firm.id)
        filters = ActivityFilters(type=kind)
        await activities.page(reads, _pager(app, firm.id), firm.id, case["id"], filters, for_client=False)
        assert all("Seq Scan" not in plan for plan in reads.plans), reads.plans


def _the_search_function_uses_its_indexes(firm, superuser):
    body = MATCHING_CASES_FUNCTION.split("$$")[1]
    for number, name in enumerate(("p_text", "p_words", "p_head", "p_last"), start=1):
        body = re.sub(rf"\b{name}\b", f"${number}", body)
    with superuser.transaction(force_rollback=True):
        superuser.execute("select set_config('conecta.tenant_id', %s, true)", [firm.id])
        superuser.execute(f"prepare trial (text, text, text, text) as {body}")
        for mode in ("force_custom_plan", "force_generic_plan"):
            superuser.execute(f"set local plan_cache_mode = {mode}")
            rows = superuser.execute(
                "explain execute trial ('hipoteca', 'hipoteca', '', 'hipoteca')"
            ).fetchall()
            plan = "\n".join(row[0] for row in rows)
            for index in ("ix_cases_search", "uq_cases_tenant_id_number", "uq_cases_tenant_id_external_id"):
                assert index in plan, plan
            assert "Seq Scan" not in plan, plan
        superuser.execute("deallocate trial")


async def _few_and_many_are_found_alike(api):
    pages = {}
    for tag in ("rara", "corriente"):
        found, cursor = [], {}
        while True:
            params = {"tag": tag, "q": "hipoteca", "limit": 7, **cursor}
            page = (await api.get("/cases", params=params)).json()
            found += [case["number"] for case in page["data"]]
            if not page["has_more"]:
                break
            cursor = {"cursor": page["next_cursor"]}
        pages[tag] = found
    assert pages == {"rara": [f"N-{n}" for n in range(1000, 20_001, 1000)], "corriente": []}
    for params, total in (
        ({"tag": "corriente"}, ROWS - ROWS // 500),
        ({"q": "expediente"}, ROWS),
        ({"q": "expediente", "tag": "rara"}, ROWS // 500),
        ({"q": "expediente", "tag": "corriente", "status": "on_hold"}, ROWS // 50 - ROWS // 500),
        ({"status": "on_hold,archived", "sort": "number"}, ROWS // 50),
        ({"status": "open,closed", "sort": "-updated_at"}, ROWS - ROWS // 50),
        ({"q": "ext-1"}, sum(str(n).startswith("1") for n in range(1, ROWS + 1))),
        ({"q": "ext-1234"}, 11),
        ({"custom_field": "sala:3"}, len(range(3, ROWS + 1, 700))),
    ):
        page = (await api.get("/cases", params={**params, "include": "total", "limit": 1})).json()
        assert page["total"] == total, params
