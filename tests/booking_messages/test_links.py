"""Links to a booking: what they open and for how long; the firm hands them over and takes them back."""

from datetime import timedelta

from tests.booking_messages.arrange import ANA, act, book, consulta, day_at, link_in, messages, wait_until


async def test_the_firm_hands_links_over_itself(sandbox, browser):
    await consulta(sandbox, capacity=2)
    start = await day_at(sandbox, 5, 10)
    booking = await book(sandbox, start, attendees=[ANA, {"name": "Eva"}], notify=False)
    made = await sandbox.post(f"/bookings/{booking['id']}/links")
    assert made.status_code == 201, made.text
    links = made.json()["data"]
    assert [(link["attendee_id"], link["name"]) for link in links] == [
        (guest["id"], guest["name"]) for guest in booking["attendees"]
    ]
    for link in links:
        page = await browser.open(link["url"])
        assert (page.status, f"Tu cita, {link['name']}" in page.text) == (200, True)
    assert links[0]["expires_at"] > booking["end"]


async def test_no_secret_is_stored(sandbox, superuser):
    await book(sandbox, await day_at(sandbox, 5, 10))
    (mail,) = await messages(sandbox)
    secret = link_in(mail).rpartition("/")[2]
    row = superuser.execute("select b::text from booking_links b").fetchone()[0]
    assert secret not in row


async def test_revoked_links_open_nothing_and_new_ones_do(sandbox, browser):
    booking = await book(sandbox, await day_at(sandbox, 5, 10))
    (mail,) = await messages(sandbox)
    answer = await sandbox.delete(f"/bookings/{booking['id']}/links")
    assert answer.status_code == 204
    page = await browser.open(link_in(mail))
    assert (page.status, "Este enlace ya no sirve" in page.text) == (410, True)
    (fresh,) = (await sandbox.post(f"/bookings/{booking['id']}/links")).json()["data"]
    assert (await browser.open(fresh["url"])).status == 200
    acts = (await sandbox.get("/audit-log")).json()["data"]
    assert [act["target"] for act in acts if act["action"] == "booking_links.revoked"] == [booking["id"]]


async def test_a_link_works_for_a_month_after_the_booking(sandbox, browser):
    start = await day_at(sandbox, 5, 10)
    await book(sandbox, start)
    (mail,) = await messages(sandbox)
    await wait_until(sandbox, start + timedelta(days=30))
    page = await browser.open(link_in(mail))
    assert page.status == 200
    assert "Cancelar la cita" not in page.text
    await wait_until(sandbox, start + timedelta(days=30, minutes=31))
    assert (await browser.open(link_in(mail))).status == 410


async def test_no_booking_no_links(sandbox, firm, app):
    missing = "/bookings/bkg_01m7wbgc28efz8dbeq636vqtdj/links"
    assert (await sandbox.post(missing)).status_code == 404
    assert (await sandbox.delete(missing)).status_code == 404
    booking = await book(sandbox, await day_at(sandbox, 5, 10))
    async with firm.client(app) as live:
        assert (await live.post(f"/bookings/{booking['id']}/links")).status_code == 404


async def test_nothing_that_is_no_secret_opens_anything(browser):
    for path in ("/c/x", "/c/" + "a" * 22, "/c/" + "a" * 300, "/c/%C3%B1", "/c/a%20b"):
        assert (await browser.open(path)).status == 410, path
    assert (await browser.open("/c/")).status == 404


async def test_each_message_has_a_link_of_its_own_and_all_of_them_work(sandbox, browser):
    start = await day_at(sandbox, 5, 10)
    booking = await book(sandbox, start)
    await act(
        sandbox, booking, "reschedule", start=(start + timedelta(hours=1)).isoformat(), bypass_rules=True
    )
    first, second = await messages(sandbox)
    assert link_in(first) != link_in(second)
    for mail in (first, second):
        assert "11:00 a 11:30" in (await browser.open(link_in(mail))).text


async def test_a_link_goes_with_a_booking_that_moves_without_a_word(sandbox, browser):
    booking = await book(sandbox, await day_at(sandbox, 5, 10))
    link = link_in((await messages(sandbox))[-1])
    later = (await day_at(sandbox, 60, 10)).isoformat()
    await act(sandbox, booking, "reschedule", start=later, notify=False, bypass_rules=True)
    await wait_until(sandbox, await day_at(sandbox, 60, 9))
    assert (await browser.open(link)).status == 200
