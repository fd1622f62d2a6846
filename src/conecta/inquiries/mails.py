"""What the firm is mailed when somebody asks it something. Pure."""

from conecta.kit.language import Text
from conecta.messages.service import Mail

_SUBJECT = Text("Nueva consulta de {name}", "New inquiry from {name}")
_ABOUT = Text("Asunto: {subject}", "Subject: {subject}")
_REACH = Text("Responder a: {reach}", "Answer to: {reach}")
_FOOTER = Text(
    "Recibes este aviso porque eres titular o administras la firma en Conecta.",
    "You get this notice because you own or administer the firm in Conecta.",
)


def received(name: str, subject: str | None, message: str, reach: list[str]) -> Mail:
    """Write the notice of an inquiry; `reach` is where to answer."""
    paragraphs = [_REACH.fill(reach=" · ".join(reach))]
    if subject:
        paragraphs.append(_ABOUT.fill(subject=subject))
    # What a stranger wrote is text, whatever braces it holds.
    paragraphs += [Text(line, line) for line in message.splitlines() if line.strip()]
    return Mail(subject=_SUBJECT.fill(name=name), paragraphs=paragraphs, footer=_FOOTER)
