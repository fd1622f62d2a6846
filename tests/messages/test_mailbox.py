"""The firm reads its mail: what was captured with its words, what was sent without them."""

import asyncio
import json
import os
import sys

import pytest

from conecta.app import create_app
from conecta.kit.language import Text
from conecta.messages.service import Mail
from tests.mail_server import mail_server
from tests.messages.mailing import posting, send, states
from tests.webhooks.dispatching import until


async def test_mail_of_the_sandbox_can_be_read_at_once(app, firm):
    message = await send(app, firm.sandbox_id, language="en")
    async with firm.client(app, firm.sandbox_key) as sandbox:
        listed = (await sandbox.get("/messages")).json()["data"]
        read = (await sandbox.get(f"/messages/{message}")).json()
    assert listed == [
        {
            "id": message,
            "channel": "mail",
            "to": "nuria@example.com",
            "language": "en",
            "subject": "You are invited to “Bufete Ñu”",
            "status": "captured",
            "attempts": 0,
            "last_error": None,
            "sent_at": None,
            "created_at": listed[0]["created_at"],
        }
    ]
    assert {name: read[name] for name in listed[0]} == listed[0]
    assert read["link"] == "https://conecta.example/invitations/abc?x=1&y=2"
    assert read["text"] == (
        "Hello Núria,\n\nCome in & see <this>.\n\n"
        "Come in:\nhttps://conecta.example/invitations/abc?x=1&y=2\n\n"
        "-- \nIf you did not expect it, do nothing.\n"
    )
    assert "Come in &amp; see &lt;this&gt;." in read["html"]
    assert 'href="https://conecta.example/invitations/abc?x=1&amp;y=2"' in read["html"]


async def test_without_a_mail_server_a_firm_reads_its_mail_too(app, api, firm):
    message = await send(app, firm.id)
    read = (await api.get(f"/messages/{message}")).json()
    assert (read["status"], read["attempts"]) == ("captured", 0)
    assert read["text"].startswith("Hola, Núria:")


async def test_what_was_sent_is_not_kept(app, api, firm, superuser):
    async with mail_server() as server, posting(app, server.url):
        message = await send(app, firm.id)
        await until(lambda: states(superuser) == {message: "sent"})
    read = (await api.get(f"/messages/{message}")).json()
    assert (read["status"], read["text"], read["html"], read["link"]) == ("sent", None, None, None)
    assert (read["attempts"], read["last_error"]) == (1, None)
    assert read["sent_at"] >= read["created_at"]


async def test_nobody_reads_what_waits_to_be_sent(app, firm, settings, dsn):
    """With a mail server the body is for the recipient alone, also before it has been sent."""
    message, captured = await send(app, firm.id), await send(app, firm.sandbox_id)
    sending = create_app(settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"}), dsn=dsn)
    async with sending.router.lifespan_context(sending):
        async with firm.client(sending) as live:
            read = (await live.get(f"/messages/{message}")).json()
            assert (read["status"], read["text"], read["html"], read["link"]) == ("queued", None, None, None)
            assert (await live.get("/messages?status=captured")).json()["data"] == []
            assert len((await live.get("/messages?status=queued")).json()["data"]) == 1
        async with firm.client(sending, firm.sandbox_key) as sandbox:
            assert (await sandbox.get(f"/messages/{captured}")).json()["text"]


async def test_bodies_are_encrypted_at_rest(app, firm, superuser):
    await send(app, firm.sandbox_id)
    await send(app, None)
    rows = superuser.execute(
        "select to_jsonb(m)::text, encode(sealed_body, 'escape') from messages m union all"
        " select to_jsonb(m)::text, encode(sealed_body, 'escape') from personal_messages m"
    ).fetchall()
    assert len(rows) == 2
    for row, body in rows:
        assert "invitations/abc" not in row
        assert "invitations/abc" not in body
        assert "Entra" not in body


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["c@example.com", "B@example.com", "a@example.com"]),
        ("?to=b@EXAMPLE.com", ["B@example.com"]),
        ("?status=captured&limit=1", ["c@example.com"]),
        ("?status=sent", []),
        ("?sort=created_at", ["a@example.com", "B@example.com", "c@example.com"]),
        ("?created_before=2020-01-01T00:00:00Z", []),
        (
            "?created_after=2020-01-01T00:00:00Z&include=total",
            ["c@example.com", "B@example.com", "a@example.com"],
        ),
    ],
)
async def test_list_is_narrowed(app, api, firm, query, expected):
    for to in ("a@example.com", "B@example.com", "c@example.com"):
        await send(app, firm.id, to)
    answer = await api.get(f"/messages{query}")
    assert [item["to"] for item in answer.json()["data"]] == expected


async def test_list_goes_on_where_it_ended(app, api, firm):
    wanted = [await send(app, firm.id) for _ in range(5)]
    seen, url = [], "/messages?limit=2"
    while url:
        answer = await api.get(url)
        seen += [item["id"] for item in answer.json()["data"]]
        url = answer.links.get("next", {}).get("url")
    assert seen == wanted[::-1]


async def test_other_firms_see_nothing(app, firm, other_firm):
    message = await send(app, firm.id)
    async with other_firm.client(app) as thief, firm.client(app, firm.sandbox_key) as sandbox:
        for client in (thief, sandbox):
            assert (await client.get("/messages")).json()["data"] == []
            assert (await client.get(f"/messages/{message}")).status_code == 404


async def test_a_persons_own_mail_is_for_the_operator_alone(app, api, firm):
    message = await send(app, None)
    assert (await api.get("/messages")).json()["data"] == []
    assert (await api.get(f"/messages/{message}")).status_code == 404


async def test_a_client_may_write_mail_but_reads_none_of_others(app, firm, superuser):
    await send(app, firm.id, "firm@example.com")
    message = await send(app, firm.id, "lawyer@example.com", client_id="cli_somebody")
    row = superuser.execute("select client_id from messages where id = %s", [message]).fetchone()
    assert row == ("cli_somebody",)
    own = await app.state.database.read(
        "select m.id from messages m where m.tenant_id = %(tenant)s",
        {"tenant": firm.id},
        tenant_id=firm.id,
        client_id="cli_somebody",
    )
    assert [row[0] for row in own] == [message]


async def test_a_subject_is_one_line(app, firm):
    evil = Text("Hola\r\nBcc: a@b.example", "Hello\nBcc: a@b.example")
    message = await send(app, firm.sandbox_id, mail=Mail(evil, [evil]))
    async with firm.client(app, firm.sandbox_key) as sandbox:
        read = (await sandbox.get(f"/messages/{message}")).json()
    assert read["subject"] == "Hola Bcc: a@b.example"
    assert "<title>Hola Bcc: a@b.example</title>" in read["html"]


async def test_the_operator_reads_what_was_captured(app, firm, settings, dsn):
    firms, persons = await send(app, firm.id, "a@example.com"), await send(app, None, "b@example.com")

    async def mailbox(*more: str) -> str:
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "conecta", "mailbox", "--data-dir", str(settings.data_dir), *more,
            env={"CONECTA_DATABASE_URL": dsn, "PATH": os.environ["PATH"]},
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await command.communicate()
        assert command.returncode == 0
        return output.decode()

    both = json.loads(await mailbox("--json"))["messages"]
    assert [(m["id"], m["tenant_id"], m["to"]) for m in both] == [
        (persons, None, "b@example.com"),
        (firms, firm.id, "a@example.com"),
    ]
    assert both[0]["link"] == "https://conecta.example/invitations/abc?x=1&y=2"
    shown = await mailbox("--to", "B@example.com")
    assert "b@example.com  Te invitan a «Bufete Ñu»" in shown
    assert "a@example.com" not in shown
