"""Queued mail is sent once, in the order of things: after the commit, again after a failure, never twice."""

import asyncio
import os
import signal
import sys

import pytest
from sqlalchemy import make_url

from conecta.kit import clock
from conecta.kit.crypto import root_secret
from conecta.kit.db import Database
from conecta.messages import sending_queries as queries
from conecta.messages import service
from conecta.messages.postman import LEASE
from tests.mail_server import MailServer, mail_server
from tests.messages.mailing import MAIL, QUICK, SENDER, posting, send, states
from tests.webhooks.dispatching import until, working


async def test_a_mail_is_sent_after_its_commit(app, firm, superuser):
    async with mail_server() as server, posting(app, server.url):
        message = await send(app, firm.id)
        await until(lambda: states(superuser) == {message: "sent"})
    (delivery,) = server.arrived
    assert delivery.recipients == ["nuria@example.com"]
    assert delivery.message["Subject"] == "Te invitan a «Bufete Ñu»"
    assert delivery.message["From"].addresses[0].display_name == "Bufete Prueba"
    assert delivery.message["Message-ID"].startswith(f"<{message}@")
    assert "https://conecta.example/invitations/abc?x=1&y=2" in delivery.part("text/plain")
    assert "Entra &amp; mira &lt;esto&gt;." in delivery.part("text/html")
    row = superuser.execute(
        "select sealed_body, sent_at is not null, attempts, due_at from messages"
    ).fetchone()
    assert row == (None, True, 1, None)


async def test_a_rolled_back_mail_is_never_sent(app, firm, superuser):
    async with mail_server() as server, posting(app, server.url):
        with pytest.raises(ZeroDivisionError):
            await _written_and_rolled_back(app, firm.id)
        sent = await send(app, firm.id)
        await until(lambda: states(superuser) == {sent: "sent"})
    assert len(server.arrived) == 1


async def _written_and_rolled_back(app, tenant_id: str) -> None:
    async with app.state.database.transaction(tenant_id=tenant_id) as session:
        await service.send_mail(
            session, app.state.keyring, tenant_id=tenant_id, to="a@b.example", language="es", mail=MAIL
        )
        raise ZeroDivisionError


async def test_a_persons_own_mail_is_sent_in_the_name_of_the_house(app, firm, superuser):
    async with mail_server() as server, posting(app, server.url):
        message = await send(app, None, language="en")
        await until(lambda: states(superuser, "personal_messages") == {message: "sent"})
    (delivery,) = server.arrived
    assert delivery.message["From"] == SENDER
    assert delivery.message["Subject"] == "You are invited to “Bufete Ñu”"
    assert 'lang="en"' in delivery.part("text/html")


async def test_the_sandbox_sends_nothing(app, firm, superuser):
    async with mail_server() as server, posting(app, server.url):
        captured = await send(app, firm.sandbox_id)
        sent = await send(app, firm.id)
        await until(lambda: states(superuser) == {captured: "captured", sent: "sent"})
    assert len(server.arrived) == 1


async def test_two_workers_send_each_mail_once(app, firm, superuser):
    async with mail_server() as server, posting(app, server.url), posting(app, server.url):
        wanted = [await send(app, firm.id, f"p{number}@example.com") for number in range(40)]
        await until(lambda: states(superuser) == dict.fromkeys(wanted, "sent"))
    assert sorted(d.recipients[0] for d in server.arrived) == sorted(f"p{n}@example.com" for n in range(40))


async def test_a_server_that_comes_back_gets_what_waited(app, firm, superuser):
    async with mail_server() as server:
        pass
    async with posting(app, server.url):
        message = await send(app, firm.id)
        await until(lambda: superuser.execute("select attempts > 1 from messages").fetchone() == (True,))
        row = superuser.execute("select status, last_error, sealed_body is null from messages").fetchone()
        assert row[0] == "queued"
        assert "connect" in row[1].lower()
        assert row[2] is False
        async with mail_server(server):
            await until(lambda: states(superuser) == {message: "sent"})
    assert len(server.arrived) == 1


async def test_a_refused_address_is_given_up_at_once(app, firm, superuser):
    server = MailServer(refusals={"gone@example.com": "550 5.1.1 No such user"})
    async with mail_server(server), posting(app, server.url):
        gone, fine = await send(app, firm.id, "gone@example.com"), await send(app, firm.id)
        await until(lambda: states(superuser) == {gone: "failed", fine: "sent"})
    row = superuser.execute(
        "select attempts, last_error, sealed_body, due_at from messages where id = %s", [gone]
    ).fetchone()
    assert row == (1, "550 5.1.1 No such user", None, None)
    assert len(server.arrived) == 1


async def test_a_busy_server_is_asked_again(app, firm, superuser):
    server = MailServer(refusals={"nuria@example.com": "450 4.2.0 Greylisted"})
    async with mail_server(server), posting(app, server.url):
        message = await send(app, firm.id)
        await until(lambda: server.attempts >= len(QUICK) + 2)
        assert states(superuser) == {message: "queued"}
        server.refusals.clear()
        await until(lambda: states(superuser) == {message: "sent"})


async def test_after_a_day_a_mail_is_given_up(app, firm, superuser):
    server = MailServer(refusals={"nuria@example.com": "450 4.2.0 Greylisted"})
    message = await send(app, firm.id)
    superuser.execute("update messages set queued_at = now() - interval '24 hours 1 second'")
    async with mail_server(server), posting(app, server.url):
        await until(lambda: states(superuser) == {message: "failed"})
    assert superuser.execute("select last_error, sealed_body from messages").fetchone() == (
        "450 4.2.0 Greylisted",
        None,
    )


async def test_a_mail_that_nobody_can_open_is_given_up(app, firm, superuser):
    message = await send(app, firm.id)
    superuser.execute("update messages set sealed_body = 'x'")
    async with mail_server() as server, posting(app, server.url):
        await until(lambda: states(superuser) == {message: "failed"})
    assert server.attempts == 0


async def test_without_a_mail_server_everything_is_captured(app, firm, superuser):
    firms, persons = await send(app, firm.id), await send(app, None)
    async with posting(app, None):
        await until(lambda: states(superuser) == {firms: "captured"})
        await until(lambda: states(superuser, "personal_messages") == {persons: "captured"})
    assert superuser.execute("select sealed_body is not null, attempts from messages").fetchone() == (True, 0)


async def test_the_worker_sends_mail(app, firm, superuser):
    async with mail_server() as server, working(app, smtp_url=server.url, mail_from=SENDER):
        message = await send(app, firm.id)
        await until(lambda: states(superuser) == {message: "sent"})
    assert len(server.arrived) == 1


async def test_a_stop_lets_what_is_being_sent_end(app, firm, superuser):
    server = MailServer(gate=asyncio.Event())
    async with mail_server(server):
        async with posting(app, server.url):
            message = await send(app, firm.id)
            await server.reached.wait()
            asyncio.get_running_loop().call_later(0.2, server.gate.set)
        assert states(superuser) == {message: "sent"}
    assert len(server.arrived) == 1


_WORKER = """
import asyncio, sys
from conecta.kit.crypto import KeyRing
from conecta.kit.crypto import root_secret
from conecta.kit.db import Database
from conecta.kit.mail import Mailer
from conecta.messages.postman import Postman

async def main():
    database = Database(sys.argv[1], pool_size=2)
    await database.open()
    await Postman(database, KeyRing(sys.argv[2]), Mailer(sys.argv[3], "Conecta <a@b.example>")).run()

asyncio.run(main())
"""


async def test_a_killed_worker_loses_nothing(app, firm, superuser, dsn):
    """Killed between the mail server's yes and our note of it, a mail is sent again, with the same id."""
    gated = MailServer(gate=asyncio.Event())
    message = await send(app, firm.id)
    root = root_secret(app.state.settings.data_dir)
    async with mail_server(gated):
        worker = await asyncio.create_subprocess_exec(sys.executable, "-c", _WORKER, dsn, root, gated.url)
        await gated.reached.wait()
        os.kill(worker.pid, signal.SIGKILL)
        await worker.wait()
    async with mail_server() as server, posting(app, server.url):
        sound = await send(app, firm.id, "other@example.com")
        await until(lambda: states(superuser)[sound] == "sent")
        # Its lease still runs: nobody else may send it yet.
        assert states(superuser)[message] == "queued"
        lease = superuser.execute("select due_at - now() from messages where id = %s", [message]).fetchone()
        assert lease[0] <= LEASE
        superuser.execute("update messages set due_at = now() where id = %s", [message])
        superuser.execute("notify conecta_mail")
        await until(lambda: states(superuser)[message] == "sent")
    assert [d.message["Message-ID"].partition("@")[0] for d in server.arrived] == [f"<{sound}", f"<{message}"]


async def test_an_outage_of_the_database_delays_what_became_of_a_mail(app, dsn, firm, superuser):
    """Connections break between the mail server's yes and our note of it: still it is sent once."""
    server = MailServer(gate=asyncio.Event())
    named = make_url(dsn).update_query_dict({"application_name": "outage"})
    own = Database(named.render_as_string(hide_password=False), pool_size=2)
    await own.open()
    try:
        async with mail_server(server), posting(app, server.url, database=own):
            message = await send(app, firm.id)
            await server.reached.wait()
            broken = superuser.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and application_name in ('outage', 'conecta-mail')"
            ).fetchall()
            assert len(broken) >= 2
            server.gate.set()
            await until(lambda: states(superuser) == {message: "sent"})
    finally:
        await own.close()
    assert len(server.arrived) == 1


async def test_claims_do_not_meet(app, firm, superuser, database):
    wanted = {await send(app, firm.id) for _ in range(10)}
    now = clock.real_now()
    claims = await asyncio.gather(
        *(queries.claim(database, now=now, lease=LEASE, limit=4, delivers=["mail"]) for _ in range(4))
    )
    claimed = [claim.id for batch in claims for claim in batch]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) <= wanted


def test_the_queue_is_found_by_its_index(superuser):
    superuser.execute("set enable_seqscan = off")
    try:
        plan = superuser.execute(
            "explain select from messages m where m.status = 'queued' and m.due_at <= now()"
        ).fetchall()
    finally:
        superuser.execute("reset enable_seqscan")
    assert "ix_messages_due" in str(plan)
