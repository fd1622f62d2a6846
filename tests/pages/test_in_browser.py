"""Every page of the product in Chromium, on a phone and on a desk: nobody is left out, nothing is blocked.

Each is opened under its own strict policy. What the browser complains of (a script or style that the policy
stops, a fault, a file that is missing) fails; so do a finding of axe-core, a page that scrolls
sideways, something too small for a finger, and a request to anybody else.
"""

import pytest

from conecta.pages import routes
from tests.pages.browsing import CHROMIUM, DESK, PHONE, Product

pytestmark = [
    pytest.mark.trial,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

VISITOR, OWNER, ASSISTANT, CLIENT = None, "owner", "assistant", "client"

# Route → who opens it, and at which address; `{names}` are things of the furnished firm.
VISITS = {
    "/sign-in": (VISITOR, "/sign-in"),
    "/sign-out": (OWNER, "/sign-out"),
    "/reset": (VISITOR, "/reset"),
    "/reset/{secret}": (VISITOR, "/reset/{reset}"),
    "/invitations/{secret}": (VISITOR, "/invitations/{invitation_link}"),
    "/c/{secret}": (VISITOR, "/c/{booking_link}"),
    "/c/{secret}/cancel": (VISITOR, "/c/{booking_link}/cancel"),
    "/c/{secret}/reschedule": (VISITOR, "/c/{booking_link}/reschedule"),
    "/b/{firm}": (VISITOR, "/b/{firm_slug}"),
    "/b/{firm}/{service}": (VISITOR, "/b/{firm_slug}/consulta"),
    "/b/{firm}/contact": (VISITOR, "/b/{firm_slug}/contact"),
    "/b/{firm}/contact/sent": (VISITOR, "/b/{firm_slug}/contact/sent"),
    "/embed/{firm}": (VISITOR, "/embed/{publishable}"),
    "/embed/{firm}/{service}": (VISITOR, "/embed/{publishable}/consulta"),
    "/embed/{firm}/contact": (VISITOR, "/embed/{publishable}/contact"),
    "/embed/{firm}/contact/sent": (VISITOR, "/embed/{publishable}/contact/sent"),
    "/reviews/{secret}": (VISITOR, "/reviews/{review}"),
    "/account": (OWNER, "/account"),
    "/account/confirm": (OWNER, "/account/confirm"),
    "/account/password": (OWNER, "/account/password"),
    "/account/totp": (OWNER, "/account/totp"),
    "/account/passkeys": (OWNER, "/account/passkeys"),
    "/account/apps": (OWNER, "/account/apps"),
    "/account/apps/{grant}/revoke": (OWNER, "/account/apps/{grant}/revoke"),
    "/oauth/authorize": (OWNER, "{authorize}"),
    "/panel": (OWNER, "/panel"),
    "/panel/agenda": (OWNER, "/panel/agenda?day={agenda_day}"),
    "/panel/bookings/{booking_id}": (OWNER, "/panel/bookings/{waiting_booking}"),
    "/panel/bookings/{booking_id}/cancel": (OWNER, "/panel/bookings/{own_booking}/cancel"),
    "/panel/bookings/{booking_id}/move": (OWNER, "/panel/bookings/{own_booking}/move"),
    "/panel/inquiries": (OWNER, "/panel/inquiries"),
    "/panel/inquiries/{inquiry_id}": (OWNER, "/panel/inquiries/{inquiry}"),
    "/panel/inquiries/{inquiry_id}/convert": (OWNER, "/panel/inquiries/{inquiry}/convert"),
    "/panel/reviews": (OWNER, "/panel/reviews?show=published"),
    "/panel/reviews/{review_id}": (OWNER, "/panel/reviews/{firm_review}"),
    "/panel/keys": (OWNER, "/panel/keys"),
    "/panel/keys/new": (OWNER, "/panel/keys/new"),
    "/panel/keys/{key_id}": (OWNER, "/panel/keys/{key}"),
    "/panel/keys/{key_id}/revoke": (OWNER, "/panel/keys/{key}/revoke"),
    "/panel/webhooks": (OWNER, "/panel/webhooks"),
    "/panel/webhooks/new": (OWNER, "/panel/webhooks/new"),
    "/panel/webhooks/{endpoint_id}": (OWNER, "/panel/webhooks/{endpoint}"),
    "/panel/webhooks/{endpoint_id}/edit": (OWNER, "/panel/webhooks/{endpoint}/edit"),
    "/panel/webhooks/{endpoint_id}/delete": (OWNER, "/panel/webhooks/{endpoint}/delete"),
    "/panel/webhooks/{endpoint_id}/secret": (OWNER, "/panel/webhooks/{endpoint}/secret"),
    "/panel/webhooks/{endpoint_id}/deliveries": (OWNER, "/panel/webhooks/{endpoint}/deliveries"),
    "/panel/webhooks/{endpoint_id}/deliveries/{delivery_id}": (
        OWNER,
        "/panel/webhooks/{endpoint}/deliveries/{delivery}",
    ),
    "/panel/webhooks/{endpoint_id}/recover": (OWNER, "/panel/webhooks/{endpoint}/recover"),
    "/panel/sandbox": (OWNER, "/panel/sandbox"),
    "/panel/messages": (OWNER, "/panel/messages"),
    "/panel/messages/{message_id}": (OWNER, "/panel/messages/{message}"),
    "/panel/firm": (OWNER, "/panel/firm"),
    "/panel/website": (OWNER, "/panel/website"),
    "/panel/website/keys/{key_id}/revoke": (OWNER, "/panel/website/keys/{publishable_id}/revoke"),
    "/panel/settings": (OWNER, "/panel/settings"),
    "/panel/team": (OWNER, "/panel/team"),
    "/panel/team/invite": (OWNER, "/panel/team/invite"),
    "/panel/team/invitations": (OWNER, "/panel/team/invitations"),
    "/panel/team/invitations/{invitation_id}/revoke": (OWNER, "/panel/team/invitations/{invitation}/revoke"),
    "/panel/team/{user_id}": (OWNER, "/panel/team/{user}"),
    "/panel/team/{user_id}/deactivate": (OWNER, "/panel/team/{user}/deactivate"),
    "/panel/apps": (OWNER, "/panel/apps"),
    "/panel/apps/new": (OWNER, "/panel/apps/new"),
    "/panel/apps/grants": (OWNER, "/panel/apps/grants"),
    "/panel/apps/grants/{grant_id}/revoke": (OWNER, "/panel/apps/grants/{grant}/revoke"),
    "/panel/apps/{app_id}": (OWNER, "/panel/apps/{app}"),
    "/panel/apps/{app_id}/edit": (OWNER, "/panel/apps/{app}/edit"),
    "/panel/apps/{app_id}/delete": (OWNER, "/panel/apps/{app}/delete"),
    "/panel/requests": (OWNER, "/panel/requests"),
    "/panel/requests/{request_id}": (OWNER, "/panel/requests/{request}"),
    "/panel/audit": (OWNER, "/panel/audit"),
    "/panel/audit/{entry_id}": (OWNER, "/panel/audit/{audit}"),
    "/portal": (CLIENT, "/portal"),
    "/portal/cases/{case_id}": (CLIENT, "/portal/cases/{case}"),
    "/portal/cases/{case_id}/notes": (CLIENT, "/portal/cases/{case}/notes"),
    "/portal/cases/{case_id}/activity": (CLIENT, "/portal/cases/{case}/activity"),
    "/portal/bookings": (CLIENT, "/portal/bookings"),
    "/portal/bookings/{booking_id}": (CLIENT, "/portal/bookings/{own_booking}"),
    "/portal/bookings/{booking_id}/cancel": (CLIENT, "/portal/bookings/{own_booking}/cancel"),
    "/portal/bookings/{booking_id}/reschedule": (CLIENT, "/portal/bookings/{own_booking}/reschedule"),
    "/portal/details": (CLIENT, "/portal/details"),
    "/portal/access": (CLIENT, "/portal/access"),
    "/portal/passkeys": (CLIENT, "/portal/passkeys"),
    "/portal/{tenant_id}/sign-in": (VISITOR, "/portal/{tenant}/sign-in"),
    "/portal/{tenant_id}/links/{secret}": (VISITOR, "/portal/{tenant}/links/{portal_link}"),
}
# What is no page of its own, or opens only in the middle of a flow (test_in_browser_flows.py has those).
ELSEWHERE = {
    "/",
    "/static/{name}",
    "/panel/audit/export",
    "/panel/messages/{message_id}/html",
    "/panel/messages/{message_id}/files/{number}",
    "/c/{secret}/calendar.ics",
    "/b/{firm}/done/{token}",
    "/embed/{firm}/done/{token}",
    "/widget.js",
    "/sign-in/second-factor",
    "/calendars/callback/{provider}",
    "/portal/apps/{grant}/revoke",
}
# Pages that a refusal shows.
REFUSALS = {
    "no-such-page": (OWNER, "/panel/nothing", 404),
    "no-such-row": (OWNER, "/panel/keys/key_01m7wbgc28efz8dbeq636vqtdj", 404),
    "wrong-filter": (OWNER, "/panel/requests?status=abc", 400),
    "not-for-this-role": (ASSISTANT, "/panel/keys", 403),
    "calendar-refused": (VISITOR, "/calendars/callback/google?error=access_denied", 400),
    "link-used-up": (VISITOR, "/invitations/no-such-link", 410),
    "bad-authorization": (VISITOR, "/oauth/authorize?client_id=nobody", 400),
    "portal-unknown": (VISITOR, "/portal", 403),
    "no-such-firm": (VISITOR, "/b/nobody", 404),
    "review-link-gone": (VISITOR, "/reviews/no-such-link", 410),
    "booking-link-gone": (VISITOR, "/c/no-such-link", 410),
}


def test_every_page_is_visited():
    pages = {route.path for route in routes() if "GET" in (route.methods or set())}  # type: ignore[attr-defined]
    assert pages - ELSEWHERE == set(VISITS)


def address(product: Product, template: str) -> str:
    return template.format_map({**product.things, "authorize": product.authorize_path(prompt="consent")})


@pytest.mark.parametrize("route", VISITS)
async def test_page_is_sound(furnished, route):
    who, template = VISITS[route]
    name = route.strip("/").replace("/", "_").replace("{", "").replace("}", "")
    async with furnished.tab(who, PHONE) as tab:
        await tab.open(address(furnished, template))
        assert tab.page.url == tab.origin + address(furnished, template), "it leads elsewhere"
        await tab.is_sound(name)
        await tab.is_readable_in_the_dark(name)
        await tab.widen(DESK)
        await tab.is_sound(name)


@pytest.mark.parametrize("name", REFUSALS)
async def test_refusal_is_a_sound_page(furnished, name):
    who, path, status = REFUSALS[name]
    async with furnished.tab(who, PHONE) as tab:
        await tab.open(path, status=status)
        await tab.is_sound(f"refusal_{name}")
        await tab.widen(DESK)
        await tab.is_sound(f"refusal_{name}")


@pytest.mark.parametrize(
    "route", ["/sign-in", "/oauth/authorize", "/panel", "/panel/agenda", "/panel/apps/new", "/portal"]
)
async def test_page_speaks_english_to_who_does(furnished, route):
    who, template = VISITS[route]
    async with furnished.tab(who, PHONE) as tab:
        await tab.page.context.add_cookies([
            {"name": "conecta_language", "value": "en", "url": furnished.origin},
        ])  # fmt: skip
        await tab.open(address(furnished, template))
        assert await tab.page.get_attribute("html", "lang") == "en"
        await tab.is_sound(f"english_{route.strip('/').replace('/', '_')}")


@pytest.mark.parametrize(
    "route", ["/sign-in", "/oauth/authorize", "/panel", "/panel/agenda", "/panel/team", "/portal"]
)
async def test_page_is_complete_without_scripts(furnished, route):
    who, template = VISITS[route]
    async with furnished.tab(who, PHONE, java_script_enabled=False) as tab:
        await tab.open(address(furnished, template))
        for link in await tab.page.locator("main a, main button:not([hidden]), nav a").all():
            assert await link.is_visible() or "visually-hidden" in str(await link.get_attribute("class"))
        assert tab.complaints == []


async def test_the_policy_is_at_work(furnished):
    """The check above hears it when the policy stops something."""
    async with furnished.tab() as tab:
        await tab.open("/sign-in")
        await tab.page.evaluate(
            "() => { const made = document.createElement('script'); made.textContent = 'window.ran = 1';"
            " document.head.append(made); }"
        )
        assert await tab.page.evaluate("window.ran") is None
        assert "Content Security Policy" in tab.complaints[0]
