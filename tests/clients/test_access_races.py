"""Many at once: a link opens once, and nobody is let in beside a revocation."""

import asyncio

from tests.clients.access import come_in, door_form, invited, new_client, session_lives
from tests.oauth.browserless import Browser, in_process


async def test_of_many_who_press_at_once_one_comes_in(app, api, superuser):
    link = await invited(api, await new_client(api))
    browsers = [Browser(in_process(app)) for _ in range(8)]
    pages = [await browser.open(link) for browser in browsers]
    seen = await asyncio.gather(
        *(browser.submit(page, door_form(page)) for browser, page in zip(browsers, pages, strict=True))
    )
    assert sorted(one.status for one in seen) == [200] + [410] * 7
    assert superuser.execute("select count(*) from sessions").fetchone() == (1,)
    for browser in browsers:
        await browser.http.aclose()


async def test_a_revocation_at_the_same_moment_leaves_nobody_inside(app, api, superuser):
    """Whichever is first: in the end the client is out, and has no session that lives."""
    for _ in range(6):
        client = await new_client(api)
        link = await invited(api, client)
        async with in_process(app) as http:
            browser = Browser(http)
            page = await browser.open(link)
            revoked, seen = await asyncio.gather(
                api.delete(f"/clients/{client}/access"), browser.submit(page, door_form(page))
            )
            assert revoked.status_code == 204
            assert seen.status in {200, 403, 410}
            assert not await session_lives(app, browser)
        assert (await api.get(f"/clients/{client}/access")).json()["status"] == "revoked"
        alive = "select count(*) from sessions where client_id = %s and revoked_at is null"
        assert superuser.execute(alive, [client]).fetchone() == (0,)


async def test_two_invitations_at_once_are_one_row(app, api, firm, superuser):
    client = await new_client(api)
    answers = await asyncio.gather(*(api.post(f"/clients/{client}/access") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [201] * 5
    assert superuser.execute("select count(*) from client_access").fetchone() == (1,)
    async with in_process(app) as http:
        (link, *_) = [await invited(api, client)]
        assert (await come_in(Browser(http), link)).status == 200


async def test_a_crowd_at_the_door_keeps_nobody_waiting_for_ever(app, api):
    """More sign-ins than the system has connections, beside invitations and a revocation."""
    client = await new_client(api)
    link = await invited(api, client)
    browsers = [Browser(in_process(app)) for _ in range(12)]
    pages = [await browser.open(link) for browser in browsers]
    async with asyncio.timeout(20):
        *seen, first, second, revoked = await asyncio.gather(
            *(browser.submit(page, door_form(page)) for browser, page in zip(browsers, pages, strict=True)),
            api.post(f"/clients/{client}/access"),
            api.post(f"/clients/{client}/access"),
            api.delete(f"/clients/{client}/access"),
        )
    # Whoever came in before the revocation is sent back to the door by the next page.
    assert {one.status for one in seen} <= {200, 410}
    assert (first.status_code, second.status_code, revoked.status_code) == (201, 201, 204)
    for browser in browsers:
        await browser.http.aclose()
