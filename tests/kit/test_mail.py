"""One mail to a real mail server: its form, its encryption, and which refusals are for good."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from conecta.kit.mail import Email, MailDelayed, Mailer, MailRefused, SmtpServer, one_line, sender_address
from tests.kit.loopback_servers import certificate
from tests.mail_server import MailServer, mail_server

SENDER = "Conecta <no-reply@conecta.example>"
MAIL = Email(
    id="msg_01m7wbgc28efz8dbeq636vqtdj",
    to="nuria@example.com",
    subject="Tu contraseña de «Íñiguez & Asociados» €",
    text="Hola, Núria:\n\n.una línea que empieza por punto\n" + "larga " * 400 + "\n",
    html="<p>Hola, <b>Núria</b> 👋</p>",
    language="es",
    date=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
)
# A name of loopback that is not one of those known to be this machine: a server somewhere else.
ELSEWHERE = "127.1"


async def test_arrives_whole_as_text_and_html():
    async with mail_server() as server:
        await Mailer(server.url, SENDER).send(MAIL)
    (delivery,) = server.arrived
    message = delivery.message
    assert (delivery.sender, delivery.recipients) == ("no-reply@conecta.example", ["nuria@example.com"])
    assert message["From"] == SENDER
    assert message["To"] == "nuria@example.com"
    assert message["Subject"] == MAIL.subject
    assert message["Message-ID"] == "<msg_01m7wbgc28efz8dbeq636vqtdj@conecta.example>"
    assert message["Date"].datetime == MAIL.date
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "es"
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert all(part.get_content_charset() == "utf-8" for part in message.iter_parts())
    assert delivery.part("text/plain").replace("\r\n", "\n") == MAIL.text
    assert delivery.part("text/html").strip() == MAIL.html
    assert delivery.raw.isascii()
    assert max(len(line) for line in delivery.raw.split(b"\r\n")) <= 998


async def test_sender_has_the_name_of_the_firm():
    async with mail_server() as server:
        await Mailer(server.url, SENDER).send(replace(MAIL, sender_name='Bufete "Ñu", S.L.'))
    (address,) = server.arrived[0].message["From"].addresses
    assert (address.display_name, address.addr_spec) == ('Bufete "Ñu", S.L.', "no-reply@conecta.example")


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\x00"])
async def test_no_header_can_be_smuggled_in(ending):
    evil = f"Hola{ending}Bcc: thief@example.com{ending}{ending}<p>owned</p>"
    async with mail_server() as server:
        await Mailer(server.url, SENDER).send(replace(MAIL, subject=evil, sender_name=evil))
        for address in (f"a@b.example{ending}Bcc: thief@example.com", f"a{ending}DATA@b.example"):
            with pytest.raises(MailRefused):
                await Mailer(server.url, SENDER).send(replace(MAIL, to=address))
    (delivery,) = server.arrived
    assert delivery.recipients == ["nuria@example.com"]
    assert delivery.message["Bcc"] is None
    assert delivery.message["Subject"] == "Hola Bcc: thief@example.com <p>owned</p>"


@pytest.mark.parametrize(
    "address", ["", "nobody", "@example.com", "a@", "a@b@c", "a b@c", "a@b, c@d", "<a@b>"]
)
async def test_what_is_no_address_is_refused_without_a_word_to_the_server(address):
    async with mail_server() as server:
        with pytest.raises(MailRefused):
            await Mailer(server.url, SENDER).send(replace(MAIL, to=address))
        assert server.attempts == 0


async def test_a_domain_with_other_letters_is_written_as_dns_knows_it():
    async with mail_server() as server:
        await Mailer(server.url, SENDER).send(replace(MAIL, to="ana@ñandú.example"))
    assert server.arrived[0].recipients == ["ana@xn--and-6ma2c.example"]


async def test_a_local_part_with_other_letters_needs_a_server_that_takes_it():
    mail = replace(MAIL, to="íñigo@example.com")
    async with mail_server(utf8=True) as server:
        await Mailer(server.url, SENDER).send(mail)
        assert server.arrived[0].recipients == ["íñigo@example.com"]
    async with mail_server() as server:
        with pytest.raises(MailRefused, match="SMTPUTF8"):
            await Mailer(server.url, SENDER).send(mail)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("550 5.1.1 No such user", MailRefused),
        ("553 5.1.3 Bad address", MailRefused),
        ("450 4.2.0 Greylisted, try later", MailDelayed),
        ("452 4.2.2 Mailbox full", MailDelayed),
    ],
)
async def test_a_refused_recipient_is_final_or_not(answer, kind):
    async with mail_server(MailServer(refusals={MAIL.to: answer})) as server:
        with pytest.raises(kind) as caught:
            await Mailer(server.url, SENDER).send(MAIL)
    assert str(caught.value) == answer
    assert server.arrived == []


@pytest.mark.parametrize(
    ("answer", "kind"), [("554 5.7.1 Spam", MailRefused), ("451 4.3.0 Try again", MailDelayed)]
)
async def test_refused_content_is_final_or_not(answer, kind):
    async with mail_server(MailServer(answer=answer)) as server:
        with pytest.raises(kind):
            await Mailer(server.url, SENDER).send(MAIL)


async def test_a_server_that_is_away_is_asked_again():
    async with mail_server() as server:
        pass
    with pytest.raises(MailDelayed):
        await Mailer(server.url, SENDER).send(MAIL)


async def test_signs_in(tmp_path):
    async with mail_server(password="s3:cr/t@") as server:
        for password, wanted in (("s3%3Acr%2Ft%40", None), ("wrong", MailDelayed)):
            mailer = Mailer(f"smtp://conecta:{password}@127.0.0.1:{server.port}", SENDER)
            if wanted is None:
                await mailer.send(MAIL)
            else:
                # Somebody mistyped the settings: the mail waits until that is mended.
                with pytest.raises(wanted):
                    await mailer.send(MAIL)
    assert [delivery.signed_in for delivery in server.arrived] == [True]


async def test_encrypts_when_it_is_offered(tmp_path):
    """Nobody vouches for the certificate, which is better than nothing."""
    _, shown = certificate("mail.test", tmp_path)
    async with mail_server(starttls=shown) as server:
        await Mailer(server.url, SENDER).send(MAIL)
    assert [delivery.encrypted for delivery in server.arrived] == [True]


async def test_a_password_is_only_sent_encrypted_to_whoever_can_prove_their_name(tmp_path):
    trusting, shown = certificate(ELSEWHERE, tmp_path)
    async with mail_server(starttls=shown, password="secret") as server:
        url = f"smtp://conecta:secret@{ELSEWHERE}:{server.port}"
        with pytest.raises(MailDelayed):
            await Mailer(url, SENDER).send(MAIL)
        assert server.arrived == []
        await Mailer(url, SENDER, tls=trusting).send(MAIL)
    assert [(d.encrypted, d.signed_in) for d in server.arrived] == [(True, True)]
    async with mail_server(password="secret") as server:
        with pytest.raises(MailDelayed, match="STARTTLS"):
            await Mailer(f"smtp://conecta:secret@{ELSEWHERE}:{server.port}", SENDER).send(MAIL)
    assert server.arrived == []


async def test_smtps_is_encrypted_from_the_first_byte(tmp_path):
    trusting, shown = certificate("127.0.0.1", tmp_path)
    async with mail_server(tls=shown, password="secret") as server:
        url = f"smtps://conecta:secret@127.0.0.1:{server.port}"
        with pytest.raises(MailDelayed):
            await Mailer(url, SENDER).send(MAIL)
        await Mailer(url, SENDER, tls=trusting).send(MAIL)
    assert [(d.encrypted, d.signed_in) for d in server.arrived] == [(True, True)]


@pytest.mark.parametrize(
    ("url", "host", "port", "insists"),
    [
        ("smtp://mail.example.com", "mail.example.com", 25, False),
        ("smtp://u:p@mail.example.com", "mail.example.com", 587, True),
        ("smtp://u:p@mail.example.com:2525", "mail.example.com", 2525, True),
        ("smtps://u:p@mail.example.com", "mail.example.com", 465, True),
        ("smtp://u:p@localhost:1025", "localhost", 1025, False),
        ("smtp://u:p@[::1]:1025/", "::1", 1025, False),
    ],
)
def test_urls(url, host, port, insists):
    server = SmtpServer.parse(url)
    assert (server.host, server.port, server.insists) == (host, port, insists)


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://a:b@c:x", "smtp://a/b"]
)
def test_urls_that_are_none(url):
    with pytest.raises(ValueError, match=r"smtp://|Port|port"):
        SmtpServer.parse(url)


@pytest.mark.parametrize("sender", ["", "Conecta", "Conecta <nobody>", "a@b@c"])
def test_senders_that_are_none(sender):
    with pytest.raises(ValueError, match="no mail address"):
        sender_address(sender)


def test_one_line():
    assert one_line(" a\r\nb\t c\x00\u2028d ") == "a b c d"
