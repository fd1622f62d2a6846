"""Text messages go out through the gateway as mail does through its server, or are captured like it."""

import asyncio
import contextlib

import pytest
from pydantic import ValidationError

from conecta.kit.language import Text
from conecta.kit.sms import SmsGateway, TextDelayed, Texter, TextRefused
from conecta.messages import service
from conecta.messages.postman import Postman
from tests.booking_messages.sms_gateway import sms_gateway
from tests.messages.mailing import QUICK, send, states
from tests.webhooks.dispatching import until

WORDS = Text("Te esperamos mañana a las 10:00.", "See you tomorrow at 10:00.")


async def text(app, tenant_id, to="+34600111222", language="es"):
    async with app.state.database.transaction(tenant_id=tenant_id) as session:
        return await service.send_text(
            session, app.state.keyring, tenant_id=tenant_id, to=to, language=language, text=WORDS
        )


@contextlib.asynccontextmanager
async def posting(app, url):
    postman = Postman(
        app.state.database,
        app.state.keyring,
        None,
        texter=Texter(url) if url else None,
        retry_seconds=QUICK,
    )
    running = asyncio.create_task(postman.run())
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_text_message_is_captured_like_mail(app, api, firm):
    message = await text(app, firm.id, language="en")
    mail = await send(app, firm.id)
    listed = (await api.get("/messages?channel=sms")).json()["data"]
    assert [(row["id"], row["channel"], row["to"], row["subject"], row["status"]) for row in listed] == [
        (message, "sms", "+34600111222", None, "captured")
    ]
    assert [row["id"] for row in (await api.get("/messages?channel=mail")).json()["data"]] == [mail]
    read = (await api.get(f"/messages/{message}")).json()
    assert (read["text"], read["html"], read["link"], read["attachments"]) == (WORDS.en, None, None, [])


async def test_the_gateway_is_handed_each_once(app, firm, superuser):
    async with sms_gateway() as gateway, posting(app, gateway.url):
        message = await text(app, firm.id)
        sandboxed = await text(app, firm.sandbox_id)
        mail = await send(app, firm.id)
        wanted = {message: "sent", sandboxed: "captured", mail: "captured"}
        await until(lambda: states(superuser) == wanted)
    assert gateway.arrived == [{"To": "+34600111222", "From": "+34600000000", "Body": WORDS.es}]
    (body,) = superuser.execute("select sealed_body from messages where id = %s", [message]).fetchone()
    assert body is None  # what was sent is not kept


async def test_what_the_gateway_refuses_for_good_is_given_up(app, firm, superuser):
    async with sms_gateway() as gateway, posting(app, gateway.url):
        gateway.status, gateway.answer = 400, {"code": 21211, "message": "not a valid phone number"}
        message = await text(app, firm.id)
        await until(lambda: states(superuser) == {message: "failed"})
    assert gateway.asked == 1
    ((error,),) = superuser.execute("select last_error from messages").fetchall()
    assert "21211" in error


@pytest.mark.parametrize("status", [401, 429, 500, 503])
async def test_a_gateway_at_odds_with_us_is_asked_again(app, firm, superuser, status):
    async with sms_gateway() as gateway, posting(app, gateway.url):
        gateway.status = status
        message = await text(app, firm.id)
        await until(lambda: gateway.asked >= 2)
        assert states(superuser) == {message: "queued"}
        gateway.status = 201
        await until(lambda: states(superuser) == {message: "sent"})
    assert len(gateway.arrived) == 1


async def test_a_messaging_service_sends_in_its_own_name():
    async with sms_gateway("MG4711") as gateway:
        await Texter(gateway.url).send("+34600111222", "Hola")
    assert gateway.arrived == [{"To": "+34600111222", "MessagingServiceSid": "MG4711", "Body": "Hola"}]


async def test_nobody_there_is_worth_a_retry_and_a_wrong_number_is_not():
    async with sms_gateway() as gateway:
        gateway.status = 422
        with pytest.raises(TextRefused):
            await Texter(gateway.url).send("+34600111222", "Hola")
    with pytest.raises(TextDelayed):
        await Texter(gateway.url).send("+34600111222", "Hola")


@pytest.mark.parametrize(
    "url",
    [
        "api.twilio.com",
        "ftp://AC1:token@api.twilio.com?from=+34600000000",
        "https://api.twilio.com?from=+34600000000",
        "https://AC1@api.twilio.com?from=+34600000000",
        "https://AC1:token@api.twilio.com",
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings, url):
    with pytest.raises(ValidationError):
        type(settings)(_env_file=None, sms_url=url)


def test_a_number_may_be_written_with_its_plus():
    gateway = SmsGateway.parse("https://AC1:token@api.twilio.com?from=+34600000000")
    assert gateway.sender == "+34600000000"
    assert gateway.endpoint == "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"


def test_the_password_is_in_no_log(settings):
    found = type(settings)(_env_file=None, sms_url="https://AC1:t0ken@api.twilio.com?from=ACME")
    assert "t0ken" not in repr(found)
    assert found.delivers == ["sms"]
