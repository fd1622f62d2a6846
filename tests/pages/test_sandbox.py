"""The sandbox on pages: the way in, its clock, its mailbox, and mail that can do nothing on its page."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from conecta.kit.language import Text
from conecta.messages import service as messages
from conecta.messages.service import Mail
from tests.firms import make_firm

MAIL = Mail(
    subject=Text("Entra en <b>Bufete</b>", "Come in"),
    paragraphs=[Text("Hola & <script>alert(1)</script>", "Hello")],
    button=(Text("Entrar", "Come in"), "http://testserver/x?token=abc"),
)


async def mail_to(app, tenant_id: str, to: str = "ana@example.com") -> str:
    async with app.state.database.transaction(tenant_id=tenant_id) as session:
        return await messages.send_mail(
            session, app.state.keyring, tenant_id=tenant_id, to=to, language="es", mail=MAIL
        )


def clock_of(superuser, tenant_id: str) -> int:
    return superuser.execute(
        "select clock_offset_seconds from tenants where id = %s", [tenant_id]
    ).fetchone()[0]


async def test_the_firm_has_a_door_to_its_sandbox(owner, firm):
    page = await owner.get("/panel/sandbox")
    assert f'name="tenant_id" value="{firm.sandbox_id}"' in page.text
    inside = await owner.send_from(page, action="/panel/firm")
    assert (inside.status_code, inside.headers["location"]) == (303, "/panel/sandbox")
    sandbox = await owner.get("/panel/sandbox")
    assert "Reloj de pruebas" in sandbox.text
    out = await owner.send_from(sandbox, action="/panel/firm")
    assert out.status_code == 303
    assert "Reloj de pruebas" not in (await owner.get("/panel/sandbox")).text


async def test_the_clock_moves_on(in_sandbox, firm, superuser):
    answer = await in_sandbox.send("/panel/sandbox", {"advance": "86400", "step": "advance"}, form=-2)
    assert (answer.status_code, answer.headers["location"]) == (303, "/panel/sandbox")
    assert clock_of(superuser, firm.sandbox_id) == 86_400
    assert clock_of(superuser, firm.id) == 0
    page = await in_sandbox.get("/panel/sandbox")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    shown = datetime.fromisoformat(re.search(r'gauge-value"><time datetime="([^"]+)"', page.text)[1])
    assert abs(shown - tomorrow) < timedelta(minutes=1)
    assert "Va por delante del reloj real." in page.text


async def test_the_clock_is_set_in_the_firms_zone(in_sandbox, firm, superuser):
    answer = await in_sandbox.send("/panel/sandbox", {"now": "2030-07-01T12:00:00", "step": "set"})
    assert answer.status_code == 303
    page = await in_sandbox.get("/panel/sandbox")
    assert 'gauge-value"><time datetime="2030-07-01T10:00:' in page.text
    assert "1 jul 2030, 12:00:" in page.text


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"now": "2020-01-01T00:00", "step": "set"}, "no puede volver atrás"),
        ({"now": "", "step": "set"}, "uno de los dos"),
        ({"now": "mañana", "step": "set"}, "Formato"),
        ({"advance": "-5", "step": "advance"}, "El mínimo es 0."),
        ({"advance": "99999999999", "step": "advance"}, "El máximo es"),
    ],
)
async def test_what_the_clock_refuses_is_told(in_sandbox, firm, superuser, values, sentence):
    answer = await in_sandbox.send("/panel/sandbox", values)
    assert answer.status_code in {409, 422}
    assert sentence in answer.text
    assert clock_of(superuser, firm.sandbox_id) == 0


async def test_the_firms_own_clock_does_not_move(owner, in_sandbox, firm, superuser):
    token = re.search(r'name="csrf_token" value="([^"]+)"', (await owner.get("/panel")).text)[1]
    answer = await owner.post(
        "/panel/sandbox/clock", {"csrf_token": token, "advance": "3600", "step": "advance"}
    )
    assert answer.status_code == 303
    assert clock_of(superuser, firm.id) == clock_of(superuser, firm.sandbox_id) == 0


async def test_captured_mail_is_read_at_once(app, in_sandbox, owner, firm):
    message_id = await mail_to(app, firm.sandbox_id)
    for path in ("/panel/sandbox", "/panel/messages"):
        page = await in_sandbox.get(path)
        assert f"/panel/messages/{message_id}" in page.text
        assert "Entra en &lt;b&gt;Bufete&lt;/b&gt;" in page.text
    page = await in_sandbox.get(f"/panel/messages/{message_id}")
    assert "ana@example.com" in page.text
    assert '<code id="mail-link">http://testserver/x?token=abc</code>' in page.text
    assert "<script>alert" not in page.text
    assert f'src="/panel/messages/{message_id}/html"' in page.text
    assert " sandbox " in re.search(r"<iframe[^>]*>", page.text)[0]
    assert (await owner.get(f"/panel/messages/{message_id}")).status_code == 404


async def test_the_mail_itself_may_do_nothing(app, in_sandbox, firm):
    message_id = await mail_to(app, firm.sandbox_id)
    answer = await in_sandbox.get(f"/panel/messages/{message_id}/html")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert re.search(r"(^|; )sandbox(;|$)", policy)
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert answer.headers["cache-control"] == "no-store"
    assert "<script>alert" not in answer.text


async def test_mail_of_another_firm_is_not_there(app, owner, in_sandbox):
    other = await make_firm(app, name="Otra Firma")
    for tenant_id in (other.id, other.sandbox_id):
        message_id = await mail_to(app, tenant_id)
        for who in (owner, in_sandbox):
            for path in (f"/panel/messages/{message_id}", f"/panel/messages/{message_id}/html"):
                assert (await who.get(path)).status_code == 404
            assert message_id not in (await who.get("/panel/messages")).text


async def test_the_mailbox_is_empty_at_first(in_sandbox):
    assert "Todavía no hay correos" in (await in_sandbox.get("/panel/messages")).text
    assert "Vacío." in (await in_sandbox.get("/panel/sandbox")).text
