"""Passkeys in Chromium with its virtual authenticator: made, used to sign in, and removed."""

from typing import Any

import pytest

from tests.pages.browsing import CHROMIUM, DESK, PHONE, Product, Tab
from tests.pages.test_in_browser_flows import let_in, sound_on_both

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


class Authenticator:
    """A device's own store of passkeys, as Chromium pretends to have one."""

    def __init__(self, session: Any, number: str) -> None:
        self._session, self._number = session, number

    async def verifies(self, *, user: bool) -> None:
        """Let the finger be the right one, or not."""
        await self._session.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self._number, "isUserVerified": user}
        )

    async def credentials(self) -> list[dict[str, Any]]:
        found = await self._session.send("WebAuthn.getCredentials", {"authenticatorId": self._number})
        return list(found["credentials"])


async def authenticator_of(tab: Tab) -> Authenticator:
    session = await tab.page.context.new_cdp_session(tab.page)
    await session.send("WebAuthn.enable")
    made = await session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return Authenticator(session, made["authenticatorId"])


async def make_passkey(tab: Tab, name: str) -> None:
    await tab.open("/account/passkeys")
    await tab.fill(name=name)
    async with tab.page.expect_navigation():
        await tab.page.click("form[data-passkey=make] button")


async def sign_out(tab: Tab) -> None:
    await tab.open("/sign-out")
    await tab.page.click("main form button")
    await tab.page.wait_for_url("**/sign-in")


async def test_a_passkey_is_made_used_and_removed(furnished: Product):
    async with furnished.tab(None, DESK) as tab:
        device = await authenticator_of(tab)
        await let_in(furnished, tab, "pia@demo.example", "Pia Mas")
        await make_passkey(tab, "Portátil de Pia")
        assert "Portátil de Pia" in await tab.text()
        await sound_on_both(tab, "passkeys_one")
        (credential,) = await device.credentials()
        assert credential["rpId"] == "localhost"
        assert credential["isResidentCredential"] is True

        await sign_out(tab)
        async with tab.page.expect_navigation():
            await tab.page.click("form[data-passkey=use] button")
        assert tab.page.url == tab.origin + "/panel"
        assert "Pia Mas" in await tab.page.inner_text("#menu")
        (used,) = await device.credentials()
        assert used["signCount"] > credential["signCount"]
        assert tab.complaints == []

        await tab.open("/account/passkeys")
        await tab.page.get_by_role("button", name="Eliminar Portátil de Pia").click()
        await tab.page.get_by_text("Portátil de Pia").wait_for(state="detached")
        await sign_out(tab)
        tab.expected |= {401, 422}
        async with tab.page.expect_navigation():
            await tab.page.click("form[data-passkey=use] button")
        assert "/sign-in" in tab.page.url
        assert await tab.page.locator(".error-summary").count() == 1
        await sound_on_both(tab, "passkeys_refused")


async def test_a_finger_that_is_not_theirs_opens_nothing(furnished: Product):
    async with furnished.tab(None, PHONE) as tab:
        device = await authenticator_of(tab)
        await let_in(furnished, tab, "quim@demo.example", "Quim Sol")
        await make_passkey(tab, "Móvil de Quim")
        await sign_out(tab)
        await device.verifies(user=False)
        await tab.page.click("form[data-passkey=use] button")
        complaint = tab.page.locator("[data-passkey-error]")
        await complaint.wait_for(state="visible")
        assert "La llave no se ha usado." in await complaint.inner_text()
        assert tab.page.url == tab.origin + "/sign-in"
        await device.verifies(user=True)
        async with tab.page.expect_navigation():
            await tab.page.click("form[data-passkey=use] button")
        assert tab.page.url == tab.origin + "/panel"


async def test_a_client_of_the_firm_makes_and_uses_one(furnished: Product):
    async with furnished.tab("client", PHONE) as tab:
        await authenticator_of(tab)
        await tab.open("/portal/passkeys")
        await tab.fill(name="Móvil de Lucía")
        async with tab.page.expect_navigation():
            await tab.page.click("form[data-passkey=make] button")
        assert "Móvil de Lucía" in await tab.text()
        await sound_on_both(tab, "portal_passkeys_one")
        await tab.page.context.clear_cookies()
        await tab.open(f"/portal/{furnished.things['tenant']}/sign-in")
        async with tab.page.expect_navigation():
            await tab.page.click("form[data-passkey=use] button")
        assert tab.page.url == tab.origin + "/portal"
        assert tab.complaints == []
