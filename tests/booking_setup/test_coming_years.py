"""The calendars that are kept by year get the next one by themselves."""

import datetime as dt

from conecta.availability.holidays import service
from tests.booking_setup.arrange import made, the

CALENDARS = "/holiday-calendars"


async def test_coming_years_are_added_for_all_firms(api, app, firm, other_firm, database):
    this_year = dt.datetime.now(dt.UTC).year
    old = await made(api, CALENDARS, name="Vieja", region="MD", years=[this_year - 1])
    own = await made(api, CALENDARS, name="Propia", years=[])
    async with other_firm.client(app) as theirs:
        half = await made(theirs, CALENDARS, name="Media", years=[this_year])
    assert await service.add_coming_years(database) == 3
    found = (await api.get(f"{CALENDARS}/{old['id']}")).json()
    assert found["years"] == [this_year - 1, this_year, this_year + 1]
    assert (await api.get(f"{CALENDARS}/{own['id']}")).json() == own
    async with other_firm.client(app) as theirs:
        assert (await theirs.get(f"{CALENDARS}/{half['id']}")).json()["years"] == [this_year, this_year + 1]
    params = {"year": this_year + 1, "kind": "regional"}
    assert (await api.get(f"{CALENDARS}/{old['id']}/days", params=params)).json()["data"]
    assert await service.add_coming_years(database) == 0


async def test_what_a_firm_changed_stays(api, database, superuser):
    calendar = await the(api, CALENDARS)
    path = f"{CALENDARS}/{calendar['id']}/days"
    (first, *_) = (await api.get(path, params={"closed": "true"})).json()["data"]
    await api.patch(f"{path}/{first['id']}", json={"name": "Otro nombre"})
    superuser.execute("update holiday_calendars set years = years[2:2] where id = %s", [calendar["id"]])
    assert await service.add_coming_years(database) == 1
    assert (await api.get(f"{path}/{first['id']}")).json()["name"] == "Otro nombre"
    assert (await api.get(f"{CALENDARS}/{calendar['id']}")).json()["years"] == calendar["years"]
