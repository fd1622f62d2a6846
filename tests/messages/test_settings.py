"""What an operator is told of the mail server: a wrong setting at once, an absent server by the doctor."""

import pytest
from pydantic import ValidationError

from conecta import doctor
from tests.mail_server import mail_server
from tests.messages.mailing import SENDER


@pytest.mark.parametrize(
    ("name", "value"),
    [("smtp_url", "mail.example.com"), ("smtp_url", "https://mail.example.com"), ("mail_from", "Conecta")],
)
def test_a_setting_that_cannot_work_is_refused(settings, name, value):
    with pytest.raises(ValidationError):
        type(settings)(_env_file=None, **{name: value})


def test_an_empty_url_is_none(settings):
    assert type(settings)(_env_file=None, smtp_url="").smtp_url is None


def found(settings, **changes) -> tuple[str, str]:
    (finding,) = [
        finding
        for finding in doctor.examine(settings.model_copy(update=changes))
        if "mail" in finding.sentence.lower()
    ]
    return finding.level, finding.sentence


async def test_the_doctor_looks_at_the_mail_server(settings):
    assert found(settings)[0] == "ok"
    async with mail_server() as server:
        level, sentence = found(settings, smtp_url=server.url, mail_from=SENDER)
        assert (level, sentence) == ("ok", f"Mail goes through 127.0.0.1:{server.port}.")
        level, sentence = found(settings, smtp_url=server.url)
        assert level == "WARNING"
        assert "CONECTA_MAIL_FROM" in sentence
    level, sentence = found(settings, smtp_url=server.url, mail_from=SENDER)
    assert level == "WARNING"
    assert "does not answer" in sentence
