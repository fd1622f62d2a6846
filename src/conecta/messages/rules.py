"""How a mail reads: plain text and HTML of the same words, in the reader's language. Pure."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from conecta.kit.language import Text
from conecta.kit.mail import Attachment, one_line

_FRAME = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
</head>
<body style="margin:0;padding:0">
<div style="max-width:34rem;margin:0 auto;padding:2rem 1rem;font:1rem/1.5 system-ui,-apple-system,\
'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
<h1 style="font-size:1.25rem;line-height:1.3;margin:0 0 1rem">{title}</h1>
{content}
</div>
</body>
</html>
"""
_PARAGRAPH = '<p style="margin:0 0 1rem">{text}</p>'
_BUTTON = (
    '<p style="margin:1.5rem 0"><a href="{url}" style="display:inline-block;padding:.75rem 1.25rem;'
    'border-radius:.5rem;background:#1f4e79;color:#ffffff;text-decoration:none;font-weight:600">{label}</a></p>'
)
_URL = '<p style="margin:0 0 1rem;font-size:.875rem;word-break:break-all">{text}<br>{url}</p>'
_FOOTER = '<p style="margin:2rem 0 0;font-size:.875rem;opacity:.75">{text}</p>'
_IF_IT_DOES_NOT_WORK = Text(
    "Si el botón no funciona, copia esta dirección en tu navegador:",
    "If the button does not work, copy this address into your browser:",
)


@dataclass(frozen=True)
class Mail:
    """What a mail says, in both languages; `button` is a label and the URL it leads to.

    `links` are several such buttons, of which the reader chooses one.
    """

    subject: Text
    paragraphs: Sequence[Text]
    button: tuple[Text, str] | None = None
    links: Sequence[tuple[Text, str]] = ()
    footer: Text | None = None
    attachments: Sequence[Attachment] = ()


@dataclass(frozen=True)
class Body:
    """A message as it is sent, in one language; `link` is where its button leads.

    `attachments` are as JSON can hold them, in base64; a text message has neither those nor HTML.
    """

    text: str
    html: str | None
    link: str | None
    attachments: Sequence[Mapping[str, Any]] = ()

    @property
    def files(self) -> list[Attachment]:
        """The attachments themselves."""
        return [
            Attachment(
                file["name"],
                file["content_type"],
                base64.b64decode(file["content"]),
                file["parameters"],
            )
            for file in self.attachments
        ]

    def dump(self) -> bytes:
        """Write it for the database."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def load(cls, stored: bytes) -> "Body":
        """Read what `dump` wrote."""
        return cls(**json.loads(stored))


def in_language(text: Text, language: str) -> str:
    """Return a sentence in Spanish, or in English for `en`."""
    return text.en if language == "en" else text.es


def write(mail: Mail, language: str) -> Body:
    """Write a mail in one language, as text and as HTML."""
    link = mail.button[1] if mail.button else None
    files = [
        {
            "name": file.name,
            "content_type": file.media_type,
            "parameters": dict(file.parameters),
            "content": base64.b64encode(file.content).decode(),
        }
        for file in mail.attachments
    ]
    return Body(_plain(mail, language), _html(mail, language), link, files)


def _plain(mail: Mail, language: str) -> str:
    parts = [in_language(paragraph, language) for paragraph in mail.paragraphs]
    if mail.button:
        label, url = mail.button
        parts.append(f"{in_language(label, language)}:\n{url}")
    parts += [f"{in_language(label, language)}:\n{url}" for label, url in mail.links]
    if mail.footer:
        parts.append(f"-- \n{in_language(mail.footer, language)}")
    return "\n\n".join(parts) + "\n"


def _html(mail: Mail, language: str) -> str:
    def said(text: Text) -> str:
        return escape(in_language(text, language))

    parts = [_PARAGRAPH.format(text=said(paragraph)) for paragraph in mail.paragraphs]
    if mail.button:
        label, url = mail.button
        parts.append(_BUTTON.format(url=escape(url), label=said(label)))
        parts.append(_URL.format(text=said(_IF_IT_DOES_NOT_WORK), url=escape(url)))
    parts += [_BUTTON.format(url=escape(url), label=said(label)) for label, url in mail.links]
    if mail.footer:
        parts.append(_FOOTER.format(text=said(mail.footer)))
    title = one_line(in_language(mail.subject, language))
    return _FRAME.format(language=language, title=escape(title), content="\n".join(parts))
