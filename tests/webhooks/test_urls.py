"""Where an endpoint may point: judged when it is registered, said in both languages."""

import pytest

from conecta.app import create_app
from conecta.kit.outbound_http import TargetRefused, check_url
from conecta.settings import Settings
from conecta.webhooks.rules import REFUSALS, outbound_policy
from tests.webhooks.endpoints import URL, everything, new_endpoint


@pytest.fixture
async def strict(settings, dsn, firm):
    """A caller of an installation that lets webhooks go to public addresses only, as in production."""
    public = {"webhook_allow_private": False, "base_url": "https://api.conecta.example"}
    app = create_app(settings.model_copy(update=public), dsn=dsn)
    async with app.router.lifespan_context(app), firm.client(app) as client:
        yield client


REFUSED = [
    ("http://crm.example.com/hook", "scheme_not_allowed"),
    ("ftp://crm.example.com/hook", "scheme_not_allowed"),
    ("file:///etc/passwd", "scheme_not_allowed"),
    ("https://user:pass@crm.example.com/hook", "userinfo_not_allowed"),
    ("https://crm.example.com@127.0.0.1/hook", "userinfo_not_allowed"),
    ("https://crm.example.com/hook#part", "fragment_not_allowed"),
    ("https://crm.example.com:22/hook", "port_not_allowed"),
    ("https://crm.example.com:8000/hook", "port_not_allowed"),
    ("https://api.conecta.example/v1/servicios/webhooks", "host_is_ours"),
    ("https://API.Conecta.EXAMPLE./x", "host_is_ours"),
    ("https://localhost/hook", "host_is_local"),
    ("https://intranet/hook", "host_is_local"),
    ("https://printer.local/hook", "host_is_local"),
    ("https://127.0.0.1/hook", "address_forbidden"),
    ("https://10.0.0.1/hook", "address_forbidden"),
    ("https://192.168.1.1/hook", "address_forbidden"),
    ("https://169.254.169.254/latest/meta-data", "address_forbidden"),
    ("https://[::1]/hook", "address_forbidden"),
    ("https://[::ffff:127.0.0.1]/hook", "address_forbidden"),
    ("https://[fd00:ec2::254]/hook", "address_forbidden"),
    ("https://0x7f.1/hook", "address_spelling"),
    ("https://2130706433/hook", "address_spelling"),
    ("https://crm..example.com/hook", "host_invalid"),
    ("https:///hook", "host_invalid"),
    ("crm.example.com/hook", "url_malformed"),
    ("https://crm.example.com\\@127.0.0.1/", "url_malformed"),
    ("https://crm.example.com/a b", "url_malformed"),
]


@pytest.mark.parametrize(("url", "code"), REFUSED)
async def test_refused_when_created(strict, superuser, url, code):
    answer = await strict.post("/webhooks", json={"url": url, "events": ["*"]})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/url", code)
    assert error["message"].startswith(REFUSALS[code].es.partition("{")[0])
    assert everything(superuser)["webhook_endpoints"] == []


async def test_refused_when_changed(strict, superuser):
    endpoint = await strict.post("/webhooks", json={"url": "https://crm.example.com/", "events": ["*"]})
    before = everything(superuser)
    changes = {"url": "https://127.0.0.1/", "description": "x"}
    answer = await strict.patch(f"/webhooks/{endpoint.json()['id']}", json=changes)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url")
    assert everything(superuser) == before


async def test_the_reason_speaks_english_and_names_what_is_accepted(strict):
    wanted = {"url": "https://crm.example.com:22/", "events": ["*"]}
    answer = await strict.post("/webhooks", json=wanted, headers={"Accept-Language": "en"})
    assert answer.json()["errors"][0]["message"] == "Accepted ports: 443, 8443."
    wanted["url"] = "http://crm.example.com/"
    answer = await strict.post("/webhooks", json=wanted, headers={"Accept-Language": "en"})
    assert answer.json()["errors"][0]["message"] == "It must start with https://."


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com",
        "https://crm.example.com:8443/a/b?c=d&e=%20f",
        "HTTPS://CRM.Example.com/hook",
        "https://abogacía.example/aviso",
        "https://8.8.8.8/hook",
        "https://[2606:4700::1111]:443/hook",
    ],
)
async def test_public_addresses_are_kept_as_they_were_written(strict, url):
    answer = await strict.post("/webhooks", json={"url": url, "events": ["*"]})
    assert (answer.status_code, answer.json()["url"]) == (201, url)


async def test_a_demo_may_call_itself_but_never_a_metadata_service(api):
    assert (await new_endpoint(api))["url"] == URL
    answer = await api.post("/webhooks", json={"url": "http://169.254.169.254/", "events": ["*"]})
    assert answer.json()["errors"][0]["code"] == "address_forbidden"
    answer = await api.post("/webhooks", json={"url": "ftp://127.0.0.1/", "events": ["*"]})
    assert answer.json()["errors"][0]["message"] == "Tiene que empezar por http:// / https://."


def test_the_policy_comes_from_the_settings():
    policy = outbound_policy(
        Settings(
            _env_file=None,
            base_url="https://api.conecta.example:8443/",
            webhook_ports=[443],
            webhook_proxy_url="http://egress.example:4750",
            webhook_timeout_seconds=3,
        )
    )
    assert (policy.allow_private, policy.allow_http, policy.ports) == (False, False, frozenset({443}))
    assert policy.own_hosts == frozenset({"api.conecta.example"})
    assert (policy.proxy, policy.total_timeout) == ("http://egress.example:4750", 3)
    open_policy = outbound_policy(Settings(_env_file=None, webhook_allow_private=True))
    assert (open_policy.allow_private, open_policy.allow_http) == (True, True)
    assert open_policy.own_hosts == frozenset()


def test_our_own_address_is_refused_in_ipv6_too():
    policy = outbound_policy(Settings(_env_file=None, base_url="https://[2606:4700::1111]"))
    with pytest.raises(TargetRefused) as refused:
        check_url("https://[2606:4700:0::1111]/hook", policy)
    assert refused.value.code == "host_is_ours"


def test_every_refusal_of_the_guard_has_its_sentence():
    assert {code for _, code in REFUSED} | {"url_too_long"} == set(REFUSALS)
