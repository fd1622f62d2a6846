"""Several firms, one person: they choose where to work, and only among their own."""

import pytest

from tests.firms import make_firm
from tests.pages.conftest import Browser, new_browser, sign_in

PATH = "/panel/firm"


@pytest.fixture
async def second_firm(app, firm, superuser):
    """Another firm of the same owner."""
    new = await make_firm(app, name="Segunda Firma")
    superuser.execute(
        "update users set person_id = (select person_id from users where id = %s) where tenant_id = any(%s)",
        [firm.owner_id, [new.id, new.sandbox_id]],
    )
    return new


async def where(browser: Browser) -> str:
    page = await browser.get("/panel/settings")
    assert page.status_code == 200
    return page.text


async def test_somebody_goes_on_in_another_firm(owner, firm, second_firm):
    page = await owner.get(PATH)
    assert "Segunda Firma" in page.text
    answer = await owner.send_from(page, {"tenant_id": second_firm.id}, action=PATH)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/panel"
    page = await where(owner)
    assert "Ahora trabajas en Segunda Firma." in page
    assert second_firm.id in page


async def test_the_sandbox_is_one_button_away_and_so_is_the_way_back(owner, firm):
    await owner.send(PATH, {"tenant_id": firm.sandbox_id}, action=PATH)
    page = await where(owner)
    assert firm.sandbox_id in page
    assert "Estás en el entorno de pruebas" in page
    await owner.send("/panel/settings", action=PATH, form=0)
    assert firm.id in await where(owner)


@pytest.mark.parametrize("elsewhere", ["", "tenant_00000000000000000000000000", "x\0y", "%"])
async def test_what_is_no_firm_is_refused(owner, firm, elsewhere):
    answer = await owner.send(PATH, {"tenant_id": elsewhere}, action=PATH)
    assert answer.status_code == (400 if "\0" in elsewhere else 404)
    assert firm.id in await where(owner)


async def test_a_firm_of_others_is_refused_like_one_that_does_not_exist(owner, firm, other_firm):
    for elsewhere in (other_firm.id, other_firm.sandbox_id):
        answer = await owner.send(PATH, {"tenant_id": elsewhere}, action=PATH)
        assert answer.status_code == 404
        assert firm.id in await where(owner)


async def test_a_member_who_left_cannot_go_back_there(owner, firm, second_firm, superuser):
    superuser.execute("update users set active = false where tenant_id = %s", [second_firm.id])
    assert "Segunda Firma" not in (await owner.get(PATH)).text
    for elsewhere in (second_firm.id, second_firm.sandbox_id):
        answer = await owner.send(PATH, {"tenant_id": elsewhere}, action=PATH)
        assert answer.status_code == 404
    assert firm.id in await where(owner)


async def test_switching_is_written_in_the_log_of_the_firm_entered(owner, second_firm, superuser):
    await owner.send(PATH, {"tenant_id": second_firm.id}, action=PATH)
    rows = superuser.execute(
        "select tenant_id, actor_name, address from audit_entries where action = 'session.firm_switched'"
    ).fetchall()
    assert [(row[0], row[2]) for row in rows] == [(second_firm.id, "203.0.113.7")]


async def test_two_sessions_of_one_person_work_in_two_firms(app, owner, firm, second_firm):
    async with new_browser(app, await sign_in(app, firm.id, firm.owner_id)) as client:
        phone = Browser(client)
        await phone.send(PATH, {"tenant_id": second_firm.id}, action=PATH)
        assert second_firm.id in await where(phone)
        assert firm.id in await where(owner)


async def test_an_assistant_may_switch_too(app, owner, firm, second_firm, superuser):
    superuser.execute("update users set role = 'assistant'")
    page = await owner.get(PATH)
    assert page.status_code == 200
    answer = await owner.send_from(page, {"tenant_id": second_firm.id}, action=PATH)
    assert answer.status_code == 303


async def test_the_way_on_stays_on_our_pages(owner, firm):
    answer = await owner.send(PATH, {"tenant_id": firm.sandbox_id, "next": "//evil.example"}, action=PATH)
    assert answer.headers["location"] == "/panel"
