"""Everything by keyboard: the focus is seen wherever it goes, in the page's order, and nothing traps it."""

import httpx
import pytest

from tests.pages.browsing import CHROMIUM, DESK, PHONE, Tab, answer_as_app

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

_FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const label = element.labels?.[0]?.innerText ?? element.innerText ?? "";
  return {
    tag: element.tagName, name: element.getAttribute("name"), words: label.trim().split("\\n")[0],
    value: element.value ?? "", top: element.getBoundingClientRect().top,
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
}"""


async def walk(tab: Tab, until: str, key: str = "Tab", most: int = 60) -> list[str]:
    """Press Tab until something with these words has the focus; return what had it on the way."""
    visited: list[str] = []
    for _ in range(most):
        await tab.page.keyboard.press(key)
        focused = await tab.page.evaluate(_FOCUSED)
        assert focused["seen"], f"the focus is invisible at {focused}"
        visited.append(focused["words"])
        if focused["words"] == until:
            return visited
    raise AssertionError(f"{until} is not reached: {visited}")


async def test_signing_in_by_keyboard(furnished):
    user = furnished.demo["user"]
    async with furnished.tab(None, DESK) as tab:
        await tab.open("/sign-in")
        first = await walk(tab, "Correo electrónico")
        assert first == ["Saltar al contenido", "ServiciosConecta", "Correo electrónico"]
        await tab.page.keyboard.type(user["email"])
        assert await walk(tab, "Contraseña") == ["Contraseña"]
        await tab.page.keyboard.type(user["password"])
        assert await walk(tab, "Iniciar sesión") == ["Iniciar sesión"]
        async with tab.page.expect_navigation():
            await tab.page.keyboard.press("Enter")
        assert tab.page.url == tab.origin + "/panel"


async def test_a_mistake_at_the_sign_in_is_read_first(furnished):
    async with furnished.tab(None, PHONE) as tab:
        tab.expected.add(422)
        await tab.open("/sign-in")
        await walk(tab, "Correo electrónico")
        await tab.page.keyboard.type("marta@demo.example")
        await walk(tab, "Contraseña")
        await tab.page.keyboard.type("equivocada-del-todo-1")
        async with tab.page.expect_navigation():
            await tab.page.keyboard.press("Enter")
        assert await tab.page.evaluate("document.activeElement.getAttribute('role')") == "alert"
        assert (await walk(tab, "Correo electrónico"))[-1] == "Correo electrónico"


async def test_the_content_is_skipped_to(furnished):
    async with furnished.tab("owner", DESK) as tab:
        await tab.open("/panel/keys")
        await walk(tab, "Saltar al contenido")
        await tab.page.keyboard.press("Enter")
        assert (await walk(tab, "Crear clave"))[0] == "Crear clave"


async def test_consent_by_keyboard(furnished):
    async with furnished.tab("owner", DESK) as tab:
        arrived = await answer_as_app(tab)
        await tab.open(furnished.authorize_path(prompt="consent"))
        visited = await walk(tab, "Crear, mover y cancelar citas")
        assert "Leer expedientes y su actividad" in visited
        await tab.page.keyboard.press("Space")
        visited = await walk(tab, "No permitir")
        assert visited == ["Permitir", "No permitir"]
        await walk(tab, "Permitir", key="Shift+Tab")
        async with tab.page.expect_navigation(url="http://127.0.0.1:8765/**"):
            await tab.page.keyboard.press("Enter")
        code = httpx.URL(arrived[-1]).params["code"]
        oauth = furnished.demo["oauth"]
        async with httpx.AsyncClient(base_url=furnished.origin, timeout=30) as app:
            given = await app.post(
                "/oauth/token",
                data={
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": oauth["redirect_uri"],
                },
                auth=(oauth["client_id"], oauth["client_secret"]),
            )
        assert given.json()["scope"] == "read:cases"


async def test_the_menu_of_a_phone_by_keyboard(furnished):
    async with furnished.tab("owner", PHONE) as tab:
        await tab.open("/panel")
        button = tab.page.locator(".menu-button")
        await walk(tab, "Menú")
        assert not await tab.page.locator("#menu").is_visible()
        await tab.page.keyboard.press("Enter")
        assert await tab.page.locator("#menu").is_visible()
        assert await button.get_attribute("aria-expanded") == "true"
        await tab.is_sound("keyboard_menu_open")
        visited = await walk(tab, "Auditoría")
        assert "Claves de API" in visited
        await tab.page.keyboard.press("Escape")
        assert not await tab.page.locator("#menu").is_visible()
        assert await tab.page.evaluate("document.activeElement.className") == "menu-button"


@pytest.mark.parametrize(
    "path", ["/panel/apps/new", "/panel/settings", "/panel/team/invite", "/panel/requests"]
)
async def test_no_form_traps_the_focus(furnished, path):
    async with furnished.tab("owner", PHONE) as tab:
        await tab.open(path)
        seen: list[str] = []
        for _ in range(120):
            await tab.page.keyboard.press("Tab")
            focused = await tab.page.evaluate(_FOCUSED)
            if focused["tag"] == "BODY":
                break
            assert focused["seen"], focused
            seen.append(str(focused))
        else:
            raise AssertionError(f"the end of the page is never reached: {seen[-5:]}")
        assert len(seen) > 5
