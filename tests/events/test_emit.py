"""Who may emit: a firm, its people and its clients, for that firm alone."""

import psycopg
import pytest

from conecta.events import service as events
from conecta.events.service import event_type

DATA = {"document_id": "doc_1", "name": "dni.pdf"}


async def emit(database, *, caller: str, client: str = "", tenant: str) -> str:
    async with database.transaction(tenant_id=caller, client_id=client) as session:
        return await events.emit(
            session, event_type("document.uploaded"), tenant_id=tenant, resource_id="doc_1", data=DATA
        )


async def test_a_client_of_the_firm_emits_and_the_firms_endpoint_gets_it(api, database, firm, superuser):
    client = (await api.post("/clients", json={"name": "Ana Gil"})).json()
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["document.*"]}
    endpoint = (await api.post("/webhooks", json=hook)).json()
    event = await emit(database, caller=firm.id, client=client["id"], tenant=firm.id)
    assert (await api.get(f"/events/{event}")).json()["data"] == DATA
    deliveries = superuser.execute("select event_id, endpoint_id, status from webhook_deliveries").fetchall()
    assert deliveries == [(event, endpoint["id"], "pending")]


async def test_a_client_sees_neither_the_event_nor_its_delivery(api, database, firm):
    client = (await api.post("/clients", json={"name": "Ana Gil"})).json()
    await emit(database, caller=firm.id, client=client["id"], tenant=firm.id)
    seen = await database.read(
        "select (select count(*) from events), (select count(*) from webhook_deliveries)",
        {},
        tenant_id=firm.id,
        client_id=client["id"],
    )
    assert seen == [(0, 0)]


@pytest.mark.parametrize("client", ["", "cli_somebody"])
async def test_nobody_emits_for_another_firm(database, firm, other_firm, superuser, client):
    with pytest.raises(Exception, match="own firm") as refused:
        await emit(database, caller=firm.id, client=client, tenant=other_firm.id)
    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
    assert superuser.execute("select count(*) from events").fetchone() == (0,)
