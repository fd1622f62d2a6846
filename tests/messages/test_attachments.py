"""A mail may carry files; a calendar's stands where programs look for invitations, and as a file."""

import base64

from conecta.kit.mail import Attachment
from conecta.messages.service import Mail
from tests.mail_server import mail_server
from tests.messages.mailing import MAIL, posting, send, states
from tests.webhooks.dispatching import until

ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Reunión\\, año\r\nEND:VCALENDAR\r\n".encode()
CARRYING = Mail(
    subject=MAIL.subject,
    paragraphs=MAIL.paragraphs,
    attachments=[
        Attachment("cita.ics", "text/calendar", ICS, {"method": "REQUEST"}),
        Attachment("informe\r\nX: y.pdf", "application/pdf", b"%PDF-\x00\xff"),
    ],
)


async def test_the_files_arrive_as_they_were_written(app, firm, superuser):
    async with mail_server() as server, posting(app, server.url):
        message = await send(app, firm.id, mail=CARRYING)
        await until(lambda: states(superuser) == {message: "sent"})
    (delivery,) = server.arrived
    assert delivery.message.get_content_type() == "multipart/mixed"
    words, ics, pdf = delivery.message.iter_parts()
    assert words.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in words.iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    invitation = list(words.iter_parts())[-1]
    assert invitation.get_param("method") == "REQUEST"
    assert invitation.get_content().splitlines() == ICS.decode().splitlines()
    assert (ics.get_content_type(), ics.get_filename(), ics.get_content()) == (
        "application/ics",
        "cita.ics",
        ICS,
    )
    assert (pdf.get_content_type(), pdf.get_content()) == ("application/pdf", b"%PDF-\x00\xff")
    assert pdf.get_filename() == "informe X: y.pdf"
    assert delivery.message["X"] is None


async def test_captured_files_can_be_read(app, api, firm):
    message = await send(app, firm.id, mail=CARRYING)
    calendar, pdf = (await api.get(f"/messages/{message}")).json()["attachments"]
    assert base64.b64decode(calendar.pop("content")) == ICS
    assert calendar == {
        "name": "cita.ics",
        "content_type": "text/calendar",
        "parameters": {"method": "REQUEST"},
    }
    assert base64.b64decode(pdf["content"]) == b"%PDF-\x00\xff"
