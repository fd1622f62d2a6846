"""Inquiries in the panel: found by their state, answered, closed, called spam, and made clients and cases."""

import asyncio
import re

import pytest

from tests.bookings.arrange import new_client
from tests.firms import make_firm
from tests.pages.conftest import Browser, forms_of, new_browser, sign_in
from tests.pages.test_doors import member

PATH = "/panel/inquiries"
ROSA = {
    "name": "Rosa <b>Ibáñez</b>",
    "email": "rosa@cliente.example",
    "phone": "+34600111222",
    "subject": "Herencia",
    "message": "¿Podrían orientarme?\nSomos tres hermanos.",
    "page_url": "https://www.bufete.example/contacto",
}


async def asked(api, **more) -> str:
    answer = await api.post("/inquiries", json={**ROSA, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.fixture
async def inquiry(api):
    return f"{PATH}/{await asked(api)}"


async def read(api, path: str) -> dict:
    return (await api.get(f"/inquiries/{path.rpartition('/')[2]}")).json()


def titles(page) -> list[str]:
    return re.findall(r'class="row-title" href="[^"]+">([^<]+)<', page.text)


async def test_the_list_has_a_tab_for_each_state(owner, api):
    for name, status in (("Nueva", None), ("Cerrada", "closed"), ("Basura", "spam")):
        inquiry_id = await asked(api, name=name)
        if status:
            await api.patch(f"/inquiries/{inquiry_id}", json={"status": status})
    converted = await asked(api, name="Clienta")
    assert (await api.post(f"/inquiries/{converted}/convert")).status_code == 200
    found = {
        tab: titles(await owner.get(f"{PATH}?show={tab}"))
        for tab in ("", "new", "converted", "closed", "spam", "all", "odd")
    }
    assert found == {
        "": ["Nueva"],
        "new": ["Nueva"],
        "converted": ["Clienta"],
        "closed": ["Cerrada"],
        "spam": ["Basura"],
        "all": ["Clienta", "Cerrada", "Nueva"],
        "odd": ["Nueva"],
    }


async def test_a_long_list_has_more_pages(owner, api):
    for number in range(3):
        await asked(api, name=f"Persona {number}")
    page = await owner.get(f"{PATH}?limit=2")
    assert titles(page) == ["Persona 2", "Persona 1"]
    onwards = re.search(r'href="([^"]*cursor=[^"]*)"', page.text)[1].replace("&amp;", "&")
    assert titles(await owner.get(onwards)) == ["Persona 0"]


async def test_an_inquiry_says_everything(owner, inquiry):
    page = await owner.get(inquiry)
    assert page.status_code == 200
    for words in ("Rosa &lt;b&gt;Ibáñez&lt;/b&gt;", "Herencia", "Somos tres hermanos.", ROSA["page_url"]):
        assert words in page.text
    assert 'href="tel:+34600111222"' in page.text
    assert 'href="mailto:rosa@cliente.example"' in page.text
    assert f'href="{ROSA["page_url"]}"' not in page.text, "what a visitor sent is no link of ours"


async def test_it_is_closed_opened_again_and_called_spam(owner, api, inquiry):
    for button, status in ((0, "closed"), (0, "new"), (1, "spam"), (0, "new")):
        answer = await owner.send(inquiry, action=f"{inquiry}/status", form=button)
        assert (answer.status_code, answer.headers["location"]) == (303, inquiry)
        assert (await read(api, inquiry))["status"] == status
        assert (await owner.get(inquiry)).status_code == 200
    page = await owner.get(inquiry)
    (form, _) = [form for form in forms_of(page.text) if form.action == f"{inquiry}/status"]
    answer = await owner.post(f"{inquiry}/status", {**form.values, "status": "converted"})
    assert answer.status_code == 422
    assert (await read(api, inquiry))["status"] == "new"


async def test_the_author_becomes_a_new_client_with_a_case(owner, api, inquiry, firm):
    page = await owner.get(f"{inquiry}/convert")
    wanted = {
        "name": "Rosa Ibáñez",
        "tax_id": "12345678Z",
        "category": "civil",
        "title": "Herencia de la madre",
        "assigned_provider_id": firm.owner_id,
    }
    answer = await owner.send_from(page, wanted, action=f"{inquiry}/convert")
    assert (answer.status_code, answer.headers["location"]) == (303, inquiry)
    found = await read(api, inquiry)
    client = (await api.get(f"/clients/{found['client_id']}")).json()
    case = (await api.get(f"/cases/{found['case_id']}")).json()
    assert (client["name"], client["tax_id"], client["email"]) == ("Rosa Ibáñez", "12345678Z", ROSA["email"])
    assert (case["title"], case["client_id"]) == ("Herencia de la madre", client["id"])
    shown = await owner.get(inquiry)
    assert "La consulta ya es de un cliente." in shown.text
    assert case["number"] in shown.text
    assert f'action="{inquiry}/status"' not in shown.text
    assert (await owner.get(f"{inquiry}/convert")).headers["location"] == inquiry


async def test_whom_the_firm_knows_is_proposed_and_found(owner, api, inquiry):
    known = await new_client(api, "Rosa Conocida", email="rosa@cliente.example")
    other = await new_client(api, "Tomás Otro")
    page = await owner.get(f"{inquiry}/convert")
    assert forms_of(page.text)[-1].values["client_id"] == known, "who has the address is chosen already"
    assert other not in page.text
    found = await owner.get(f"{inquiry}/convert?q=tomas")
    assert other in found.text
    assert "No hay ningún cliente así." in (await owner.get(f"{inquiry}/convert?q=nadie")).text
    assert forms_of(found.text)[-1].values["client_id"] == other, "nobody else was found"
    wrong = await owner.send_from(found, {"category": "nope"}, action=f"{inquiry}/convert")
    assert wrong.status_code == 422
    assert forms_of(wrong.text)[-1].values["client_id"] == other, "a mistake elsewhere forgets nobody"
    answer = await owner.send_from(wrong, {"category": ""}, action=f"{inquiry}/convert")
    assert answer.status_code == 303
    result = await read(api, inquiry)
    assert (result["client_id"], result["case_id"]) == (other, None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"tax_id": "12345678A"}, "tax_id"),
        ({"kind": "x"}, "kind"),
        ({"category": "nope"}, "category"),
        ({"client_id": "cli_01m7wbgc28efz8dbeq636vqtdj"}, "client_id"),
        ({"client_id": ""}, "client_id"),
        ({"category": "civil", "assigned_provider_id": "usr_01m7wbgc28efz8dbeq636vqtdj"},
         "assigned_provider_id"),
    ],
)  # fmt: skip
async def test_a_mistake_is_shown_at_its_field(owner, api, inquiry, wrong, field):
    wanted = {"name": "Rosa Ibáñez", "title": "Herencia", **wrong}
    answer = await owner.send(f"{inquiry}/convert", wanted, action=f"{inquiry}/convert")
    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    assert forms_of(answer.text)[-1].values["title"] == "Herencia"
    assert (await read(api, inquiry))["status"] == "new"
    assert (await api.get("/clients")).json()["data"] == []


async def test_a_form_sent_five_times_at_once_makes_one_client(owner, api, inquiry):
    page = await owner.get(f"{inquiry}/convert")
    answers = await asyncio.gather(
        *(owner.send_from(page, {"category": "civil"}, action=f"{inquiry}/convert") for _ in range(5))
    )
    assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {(303, inquiry)}
    assert len((await api.get("/clients")).json()["data"]) == 1
    assert len((await api.get("/cases")).json()["data"]) == 1


async def test_who_saw_an_older_inquiry_does_nothing(owner, api, inquiry):
    seen, asking = await owner.get(inquiry), await owner.get(f"{inquiry}/convert")
    assert (await api.post(f"/inquiries/{inquiry[len(PATH) + 1 :]}/convert")).status_code == 200
    for page, action in ((seen, "status"), (asking, "convert")):
        answer = await owner.send_from(page, action=f"{inquiry}/{action}")
        assert (answer.status_code, answer.headers["location"]) == (303, inquiry)
        assert "ha cambiado mientras la mirabas" in (await owner.get(inquiry)).text
    assert len((await api.get("/clients")).json()["data"]) == 1


@pytest.mark.parametrize("role", ["provider", "assistant"])
async def test_whoever_works_in_the_firm_may_do_it(app, api, firm, inquiry, role):
    user_id = await member(app, firm.id, role)
    async with new_browser(app, await sign_in(app, firm.id, user_id)) as client:
        colleague = Browser(client)
        assert f'href="{PATH}" aria-current="page"' in (await colleague.get(PATH)).text
        answer = await colleague.send(
            f"{inquiry}/convert", {"category": "civil"}, action=f"{inquiry}/convert"
        )
    assert answer.status_code == 303
    assert (await read(api, inquiry))["status"] == "converted"


async def test_another_firms_inquiry_does_not_exist(app, api, inquiry):
    other = await make_firm(app, name="Otra Firma")
    async with new_browser(app, await sign_in(app, other.id, other.owner_id)) as client:
        stranger = Browser(client)
        assert titles(await stranger.get(f"{PATH}?show=all")) == []
        token = forms_of((await stranger.get("/panel")).text)[0].values["csrf_token"]
        for path in ("", "/convert"):
            assert (await stranger.get(f"{inquiry}{path}")).status_code == 404
        for path in ("/status", "/convert"):
            values = {"csrf_token": token, "once": "x", "version": "1", "status": "spam"}
            assert (await stranger.post(f"{inquiry}{path}", values)).status_code == 404
    assert (await read(api, inquiry))["status"] == "new"


async def test_a_form_from_elsewhere_changes_nothing(owner, api, inquiry):
    for path in ("/status", "/convert"):
        answer = await owner.post(f"{inquiry}{path}", {"csrf_token": "x", "version": "1", "status": "spam"})
        assert answer.status_code == 403
    assert (await read(api, inquiry))["status"] == "new"
