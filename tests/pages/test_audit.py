"""The audit log on pages: owners see who did what, narrow it down, and take it away as CSV."""

import csv
import io

import pytest

from conecta.audit.actions import ACTIONS
from conecta.pages.panel.audit import GROUPS, action_groups
from tests.pages.conftest import Browser, new_browser, sign_in

PATH = "/panel/audit"


CREATED, CHANGED = "Clave de API creada", "Datos de la firma modificados"
# The first key of a firm, which the operator makes together with it.
BORN = CREATED


@pytest.fixture
async def acts(owner, api):
    """A setting changed on a page, and a key made by a key."""
    await owner.send("/panel/settings", {"name": "=Bufete"}, action="/panel/settings")
    return (await api.post("/api-keys", json={"name": "CRM", "scopes": ["read:cases"]})).json()["id"]


def titles(page):
    return [part.partition(">")[2].partition("<")[0] for part in page.text.split('class="row-title"')[1:]]


async def test_acts_are_listed_newest_first_with_who_and_from_where(owner, acts):
    page = await owner.get(PATH)
    assert page.status_code == 200
    assert titles(page) == [CREATED, CHANGED, BORN]
    for words in ("Núria Íñiguez", "Miembro", "Pruebas", "Clave o aplicación", "203.0.113.7", acts):
        assert words in page.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("action=api_key.*", [CREATED, BORN]),
        ("action=tenant.changed&from=&to=", [CHANGED]),
        ("action=clock.moved", []),
        ("to=2020-01-01", []),
        ("from=2020-01-01&to=2099-12-31", [CREATED, CHANGED, BORN]),
    ],
)
async def test_filters_leave_what_they_say(owner, acts, query, expected):
    page = await owner.get(f"{PATH}?{query}")
    assert page.status_code == 200
    assert titles(page) == expected


async def test_all_that_somebody_did_is_one_click_away(owner, firm, acts):
    page = await owner.get(PATH)
    assert f"{PATH}?actor_id={firm.owner_id}" in page.text
    assert titles(await owner.get(f"{PATH}?actor_id={firm.owner_id}")) == [CHANGED]
    assert titles(await owner.get(f"{PATH}?target={acts}")) == [CREATED]


@pytest.mark.parametrize("query", ["action=nothing.done", "from=soon", "to=9999-12-31", "cursor=x"])
async def test_a_filter_that_cannot_be_is_a_page_that_says_so(owner, query):
    page = await owner.get(f"{PATH}?{query}")
    assert page.status_code == 400
    assert "<h1>" in page.text


async def test_an_act_is_shown_whole(owner, acts):
    page = await owner.get(f"{PATH}?action=api_key.created")
    path = page.text.partition('class="row-title" href="')[2].partition('"')[0]
    detail = await owner.get(path)
    assert detail.status_code == 200
    assert f"/panel/keys/{acts}" in detail.text
    assert "api_key.created" in detail.text
    assert (await owner.get(f"{PATH}/aud_01m7wbgc28efz8dbeq636vqtdj")).status_code == 404


async def test_the_export_holds_what_is_filtered_and_leaves_a_trace(owner, acts):
    answer = await owner.get(f"{PATH}/export?action=tenant.*")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert 'attachment; filename="auditoria-' in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert len(rows) == 2
    assert "Datos de la firma modificados" in rows[1]
    assert titles(await owner.get(PATH))[0] == "Registro de auditoría exportado"


async def test_no_cell_is_a_formula(app, owner, firm):
    async with firm.client(app) as client:
        await client.post(
            "/api-keys", json={"name": "x", "scopes": ["read:cases"]}, headers={"User-Agent": "=1+1"}
        )
    answer = await owner.get(f"{PATH}/export")
    cells = [cell for row in csv.reader(io.StringIO(answer.text), delimiter=";") for cell in row]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell.startswith("=")]


@pytest.mark.parametrize("role", ["admin", "provider", "assistant"])
async def test_only_owners_see_it(app, firm, api, acts, role, superuser):
    new = (await api.post("/users", json={"name": "Luis", "email": "luis@example.com", "role": role})).json()
    async with new_browser(app, await sign_in(app, firm.id, new["id"])) as client:
        for path in ("", "/export", "?action=api_key.*"):
            answer = await Browser(client).get(PATH + path)
            assert answer.status_code == 403
            assert acts not in answer.text
        assert f'href="{PATH}"' not in (await Browser(client).get("/panel")).text
    exported = superuser.execute(
        "select count(*) from audit_entries where action = 'audit.exported'"
    ).fetchone()
    assert exported[0] == 0


async def test_acts_of_another_firm_do_not_exist_here(owner, app, other_firm, acts):
    async with new_browser(app, await sign_in(app, other_firm.id, other_firm.owner_id)) as client:
        stranger = Browser(client)
        assert titles(await stranger.get(PATH)) == [BORN]
        page = await owner.get(PATH)
        path = page.text.partition('class="row-title" href="')[2].partition('"')[0]
        assert (await stranger.get(path)).status_code == 404
        assert acts not in (await stranger.get(f"{PATH}/export")).text


def test_every_act_belongs_to_a_group_that_has_words():
    assert {action.partition(".")[0] for action in ACTIONS} == set(GROUPS)
    assert sum(len(group.actions) for group in action_groups()) == len(ACTIONS)
