"""The agenda of the panel: a week, day by day, of everybody or of one member; and nobody else's."""

import re
from datetime import date, datetime, timedelta

import pytest

from tests.bookings.arrange import MADRID, booked, new_client, new_member, new_service, open_day
from tests.firms import make_firm
from tests.pages.conftest import Browser, new_browser, sign_in
from tests.pages.test_doors import member

PATH = "/panel/agenda"


@pytest.fixture
async def day(api):
    return await open_day(api)


def section(page, day: date) -> str:
    """Return what the page shows of a day."""
    found = re.search(rf'<section[^>]* id="day-{day}".*?</section>', page.text, re.DOTALL)
    assert found, f"{day} is not shown"
    return found[0]


def lines(page, day: date) -> list[str]:
    """Return the words of each line of a day."""
    parts = re.findall(r'<li class="agenda-line.*?</li>', section(page, day), re.DOTALL)
    return [" ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", part).split()) for part in parts]


async def test_a_day_has_its_bookings_absences_and_holidays_in_order(owner, api, firm, day):
    berta = await new_member(api, "Berta")
    service = await new_service(api, confirmation="client")
    ana = await new_client(api, "Ana <b>Gil</b>")
    late = await booked(api, service_id=service, start=day.at(16), client_id=ana, provider_id=berta)
    early = await booked(
        api, start=day.at(9), duration=30, service="Firma", provider_id=firm.owner_id, client_id=ana
    )
    gone = await booked(api, service_id=service, start=day.at(12), client_id=ana, provider_id=berta)
    assert (await api.post(f"/bookings/{gone['id']}/cancel")).status_code == 200
    away = {"provider_id": berta, "start": day.at(10), "end": day.at(11), "kind": "training"}
    assert (await api.post("/time-off", json={**away, "note": "Congreso"})).status_code == 201
    calendar = (await api.get("/holiday-calendars")).json()["data"][0]["id"]
    local = {"date": str(day.date), "name": "Fiesta mayor", "kind": "local", "closed": False}
    assert (await api.post(f"/holiday-calendars/{calendar}/days", json=local)).status_code in {201, 409}
    page = await owner.get(f"{PATH}?day={day.date}")
    assert page.status_code == 200
    shown = [line for line in lines(page, day.date) if "Festivo nacional" not in line]
    assert shown == [
        "Todo el día Fiesta mayor Festivo local",
        "09:00–09:30 Firma Ana &lt;b&gt;Gil&lt;/b&gt; Núria Íñiguez Confirmada",
        "10:00–11:00 Congreso Berta Formación",
        "16:00–17:00 Primera consulta Ana &lt;b&gt;Gil&lt;/b&gt; Berta Sin confirmar",
    ]
    assert f'href="/panel/bookings/{early["id"]}"' in page.text
    assert f'href="/panel/bookings/{late["id"]}"' in page.text
    assert gone["id"] not in page.text


async def test_what_lasts_for_days_is_on_each_with_its_part(owner, api, day):
    second, third = day.date + timedelta(days=1), day.date + timedelta(days=2)
    end = datetime.combine(third, datetime.min.time(), MADRID).replace(hour=14)
    away = {"start": day.at(18), "end": end.isoformat(), "kind": "block"}
    assert (await api.post("/time-off", json=away)).status_code == 201
    found = []
    for number, shown in enumerate((day.date, second, third, third + timedelta(days=1))):
        page = await owner.get(f"{PATH}?day={shown}")
        found += [(number, line) for line in lines(page, shown) if "Bloqueo" in line]
    assert found == [
        (0, "desde 18:00 Bloqueo Todo el despacho"),
        (1, "Todo el día Bloqueo Todo el despacho"),
        (2, "hasta 14:00 Bloqueo Todo el despacho"),
    ]


async def test_the_agenda_of_one_member(owner, api, firm, day):
    berta = await new_member(api, "Berta")
    for hour, provider in ((9, firm.owner_id), (11, berta)):
        await booked(api, start=day.at(hour), duration=30, provider_id=provider, service=f"Cita {hour}")
    everybody = await owner.get(f"{PATH}?day={day.date}")
    assert ("Cita 9" in everybody.text, "Cita 11" in everybody.text) == (True, True)
    hers = await owner.get(f"{PATH}?day={day.date}&member={berta}")
    assert ("Cita 9" in hers.text, "Cita 11" in hers.text) == (False, True)
    assert f'<option value="{berta}" selected>' in hers.text
    assert f"&amp;member={berta}" in hers.text or f"&member={berta}" in hers.text


async def test_weeks_go_from_monday_to_sunday_and_on(owner):
    page = await owner.get(f"{PATH}?day=2027-01-01")
    assert re.findall(r'<section class="agenda-day[^>]* id="day-([\d-]+)"', page.text) == [
        f"2026-12-{number}" for number in (28, 29, 30, 31)
    ] + [f"2027-01-0{number}" for number in (1, 2, 3)]
    assert "28 de diciembre de 2026 – 3 de enero de 2027" in " ".join(page.text.split())
    assert 'href="/panel/agenda?day=2026-12-21"' in page.text
    assert 'href="/panel/agenda?day=2027-01-04"' in page.text
    assert "Año Nuevo" in section(page, date(2027, 1, 1))


@pytest.mark.parametrize("query", ["", "day=x", "day=9999-12-31", "day=2026-02-30&member=usr_x", "day="])
async def test_an_odd_address_shows_this_week(owner, query):
    page = await owner.get(f"{PATH}?{query}")
    assert page.status_code == 200
    today = datetime.now(MADRID).date()
    assert 'class="agenda-day today"' in section(page, today)
    assert page.text.count('class="agenda-day') == 7


async def test_in_the_sandbox_today_is_what_its_clock_says(in_sandbox, app, firm):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        moved = await sandbox.put("/sandbox/clock", json={"now": "2027-05-05T10:00:00Z"})
        assert moved.status_code == 200, moved.text
    page = await in_sandbox.get(PATH)
    assert 'class="agenda-day today"' in section(page, date(2027, 5, 5))


@pytest.mark.parametrize("role", ["provider", "assistant"])
async def test_whoever_works_in_the_firm_sees_it(app, firm, role):
    user_id = await member(app, firm.id, role)
    async with new_browser(app, await sign_in(app, firm.id, user_id)) as client:
        page = await Browser(client).get(PATH)
    assert page.status_code == 200
    assert 'href="/panel/agenda" aria-current="page"' in page.text
    assert 'href="/panel/keys"' not in page.text


async def test_another_firms_agenda_is_its_own(owner, app, day):
    other = await make_firm(app, name="Otra Firma")
    async with other.client(app) as theirs:
        await booked(theirs, start=day.at(9), duration=30, service="Ajena", bypass_rules=True)
    page = await owner.get(f"{PATH}?day={day.date}&member={other.owner_id}")
    assert page.status_code == 200
    assert "Ajena" not in page.text
