"""Which events an endpoint asks for: patterns, misspellings, and what really arrives."""

import pytest

from conecta.events.catalogue import PATTERNS
from tests.cases.arrange import new_case, new_client
from tests.webhooks.endpoints import URL, everything, new_endpoint, states


async def test_every_pattern_of_the_catalogue_is_accepted(api):
    assert (await new_endpoint(api, *PATTERNS))["events"] == list(PATTERNS)


@pytest.mark.parametrize(
    ("pattern", "near"),
    [
        ("case.crated", "case.created"),
        ("invoice.payed", "invoice.paid"),
        ("cases.*", "case.*"),
        ("Case.Created", None),
        ("**", None),
        ("*.created", None),
        ("case", None),
        ("case.", None),
        ("", None),
        ("\N{PILE OF POO}", None),
    ],
)
async def test_unknown_patterns_are_refused_with_help(api, superuser, pattern, near):
    answer = await api.post("/webhooks", json={"url": URL, "events": ["case.created", pattern]})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/events/1", "unknown_event")
    if near:
        assert f"¿Querías decir {near}?" in error["message"]
    assert all(known in error["message"] for known in PATTERNS)
    assert everything(superuser)["webhook_endpoints"] == []


async def test_the_help_speaks_english_too(api):
    wanted = {"url": URL, "events": ["case.crated"]}
    answer = await api.post("/webhooks", json=wanted, headers={"Accept-Language": "en"})
    assert (
        "There is no such event. Did you mean case.created? Accepted: *, case.*"
        in (answer.json()["errors"][0]["message"])
    )


async def test_a_change_of_filter_is_checked_the_same_way(api, superuser):
    endpoint = await new_endpoint(api, "case.*")
    before = everything(superuser)
    for wrong in (["case.crated"], []):
        answer = await api.patch(f"/webhooks/{endpoint['id']}", json={"events": wrong})
        assert answer.status_code == 422
    assert everything(superuser) == before


async def test_only_what_is_asked_for_gets_a_delivery(api, superuser):
    wanting = [await new_endpoint(api, *events) for events in (["*"], ["case.*"], ["case.created", "*"])]
    others = [await new_endpoint(api, *events) for events in (["case.closed"], ["invoice.*"], ["webhook.*"])]
    await new_case(api, await new_client(api))
    for endpoint in wanting:
        assert list(states(superuser, endpoint["id"]).values()) == ["pending"]
    for endpoint in others:
        assert states(superuser, endpoint["id"]) == {}


async def test_a_new_filter_holds_from_the_next_event_on(api, superuser):
    endpoint = await new_endpoint(api, "invoice.*")
    client_id = await new_client(api)
    await new_case(api, client_id)
    await api.patch(f"/webhooks/{endpoint['id']}", json={"events": ["case.created"]})
    assert states(superuser, endpoint["id"]) == {}
    await new_case(api, client_id)
    assert list(states(superuser, endpoint["id"]).values()) == ["pending"]
