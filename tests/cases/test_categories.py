"""The catalogue of matters: every firm starts with nine, and adds, renames and archives its own."""

import asyncio

import pytest

from tests.cases.arrange import SEED, new_case, new_client, table_counts

FIRST = [
    "civil",
    "penal",
    "laboral",
    "mercantil",
    "fiscal",
    "administrativo",
    "familia",
    "extranjeria",
    "otros",
]


async def _codes(api, **params):
    answer = await api.get("/case-categories", params=params)
    assert answer.status_code == 200, answer.text
    return [category["code"] for category in answer.json()["data"]]


async def test_every_firm_and_its_sandbox_start_with_nine(api, app, firm, other_firm):
    assert await _codes(api) == FIRST
    for key in (firm.sandbox_key, other_firm.key, other_firm.sandbox_key):
        async with firm.client(app, key) as caller:
            assert await _codes(caller) == FIRST
    civil = (await api.get("/case-categories/civil")).json()
    assert civil.pop("created_at") == civil.pop("updated_at")
    assert civil == {"code": "civil", "name_es": "Civil", "name_en": "Civil", "position": 1, "active": True}


async def test_add_and_use(api):
    answer = await api.post(
        "/case-categories", json={"code": "propiedad_intelectual", "name_es": "Propiedad"}
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == "/v1/servicios/case-categories/propiedad_intelectual"
    assert (answer.json()["position"], answer.json()["name_en"]) == (10, None)
    assert (await api.get("/case-categories/propiedad_intelectual")).json() == answer.json()
    case = await new_case(api, await new_client(api), category="propiedad_intelectual")
    assert case["category"] == "propiedad_intelectual"
    await api.post("/case-categories", json={"code": "primera", "name_es": "Primera", "position": 0})
    assert await _codes(api) == ["primera", *FIRST, "propiedad_intelectual"]


async def test_archiving(api):
    case = await new_case(api, await new_client(api))
    answer = await api.patch("/case-categories/civil", json={"active": False})
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    refused = await api.post("/cases", json={**SEED, "client_id": case["client_id"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/category")
    assert "civil" not in refused.json()["errors"][0]["message"]
    assert (
        await api.patch(f"/cases/{case['id']}", json={"category": "civil", "title": "x"})
    ).status_code == 200
    assert (await api.patch(f"/cases/{case['id']}", json={"category": "penal"})).status_code == 200
    assert (await api.patch(f"/cases/{case['id']}", json={"category": "civil"})).status_code == 422
    assert await _codes(api, active="true") == FIRST[1:]
    assert await _codes(api, active="false") == ["civil"]
    assert (await api.patch("/case-categories/civil", json={"active": True})).status_code == 200
    assert (await api.patch(f"/cases/{case['id']}", json={"category": "civil"})).status_code == 200


async def test_changes_and_if_match(api):
    path = "/case-categories/otros"
    changed = await api.patch(path, json={"name_es": "Varios", "name_en": None}, headers={"If-Match": '"v1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"v2"')
    assert (changed.json()["name_es"], changed.json()["name_en"]) == ("Varios", None)
    stale = await api.patch(path, json={"name_es": "Otra vez"}, headers={"If-Match": '"v1"'})
    assert stale.status_code == 412
    same = await api.patch(path, json={"name_es": "Varios"})
    assert (same.status_code, same.headers["etag"], same.json()) == (200, '"v2"', changed.json())


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"code": "x"}, "/name_es"),
        ({"name_es": "X"}, "/code"),
        ({"code": "Con Mayúscula", "name_es": "X"}, "/code"),
        ({"code": "1x", "name_es": "X"}, "/code"),
        ({"code": "x" * 41, "name_es": "X"}, "/code"),
        ({"code": "x\n", "name_es": ""}, "/name_es"),
        ({"code": "x", "name_es": "X", "position": -1}, "/position"),
        ({"code": "x", "name_es": "X", "active": False}, "/active"),
    ],
)
async def test_refusals_say_where(api, superuser, body, pointer):
    counts = table_counts(superuser)
    answer = await api.post("/case-categories", json=body)
    assert answer.status_code == 422, answer.text
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]
    assert table_counts(superuser) == counts


async def test_a_code_exists_once(api, superuser):
    await api.patch("/case-categories/penal", json={"active": False})
    counts = table_counts(superuser)
    answer = await api.post("/case-categories", json={"code": "penal", "name_es": "Otra"})
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_category")
    assert table_counts(superuser) == counts
    new = {"code": "nueva", "name_es": "Nueva"}
    answers = await asyncio.gather(*(api.post("/case-categories", json=new) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_emptying_and_unknown(api):
    for name in ("name_es", "position", "active"):
        answer = await api.patch("/case-categories/civil", json={name: None})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}")
    for code in ("ninguna", "%00", "ñ", "CIVIL"):
        assert (await api.get(f"/case-categories/{code}")).status_code == 404
        assert (await api.patch(f"/case-categories/{code}", json={})).status_code == 404


async def test_pages(api):
    first = (await api.get("/case-categories", params={"limit": 5, "include": "total"})).json()
    assert first["total"] == 9
    rest = await _codes(api, limit=5, cursor=first["next_cursor"])
    assert [category["code"] for category in first["data"]] + rest == FIRST
    assert await _codes(api, sort="-position") == FIRST[::-1]


async def test_catalogues_are_apart(api, app, other_firm):
    await api.post("/case-categories", json={"code": "solo_mia", "name_es": "Mía"})
    await api.patch("/case-categories/civil", json={"active": False})
    async with other_firm.client(app) as other:
        assert await _codes(other) == FIRST
        assert (await other.get("/case-categories/solo_mia")).status_code == 404
        assert (await other.patch("/case-categories/solo_mia", json={"name_es": "Suya"})).status_code == 404
        await new_case(other, await new_client(other), category="civil")
    assert (await api.get("/case-categories/solo_mia")).json()["name_es"] == "Mía"
