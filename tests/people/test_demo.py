"""The demo's person signs in with the password that the command printed last."""

from conecta import demo

from .arrange import new_browser, whoami


async def credentials(app) -> dict:
    return await demo.credentials(app.state.database, app.state.keyring, base_url="http://testserver")


async def test_printed_password_signs_in(app):
    printed = await credentials(app)
    browser = new_browser(app)
    await browser.sign_in(**printed["user"])
    me = await whoami(app, browser)
    assert (me.tenant_id, me.role, me.name) == (printed["tenant_id"], "owner", "Marta Demo")


async def test_each_call_makes_a_fresh_one_and_nobody_is_thrown_out(app):
    first = await credentials(app)
    browser = new_browser(app)
    await browser.sign_in(**first["user"])
    second = await credentials(app)
    assert first["user"]["password"] != second["user"]["password"]
    assert await whoami(app, browser) is not None
    assert (await new_browser(app).sign_in(**first["user"])).status == 422
    other = new_browser(app)
    await other.sign_in(**second["user"])
    assert await whoami(app, other) is not None
