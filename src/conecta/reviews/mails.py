"""What a client is mailed when the firm asks for their opinion, and the firm when it comes. Pure."""

from conecta.kit.language import Text
from conecta.messages.service import Mail

_ASK = Text("{firm}: ¿qué tal ha ido?", "{firm}: how did it go?")
_WRITTEN = Text("Nueva reseña: {rating} de 5", "New review: {rating} of 5")
_RATED = Text("{author} ha valorado a la firma con {rating} de 5.", "{author} rated the firm {rating} of 5.")


def request(firm: str, client: str, url: str) -> Mail:
    """Write the mail that asks a client for a review."""
    return Mail(
        subject=_ASK.fill(firm=firm),
        paragraphs=[
            Text("Hola, {name}:", "Hello {name},").fill(name=client),
            Text(
                "Gracias por confiar en {firm}. ¿Nos cuentas cómo ha ido? Es un minuto: de una a cinco"
                " estrellas y, si quieres, unas palabras.",
                "Thank you for trusting {firm}. Would you tell us how it went? It takes a minute: one to"
                " five stars and, if you like, some words.",
            ).fill(firm=firm),
        ],
        button=(Text("Escribir mi reseña", "Write my review"), url),
        footer=Text(
            "{firm} lee cada reseña antes de publicarla, y publica también las críticas. Tú eliges con qué"
            " nombre aparece. El enlace vale dos meses.",
            "{firm} reads each review before publishing it, and publishes criticism, too. You choose the"
            " name it is shown by. The link works for two months.",
        ).fill(firm=firm),
    )


def written(rating: int, author: str, comment: str | None) -> Mail:
    """Write the notice that a review has arrived."""
    lines = [line for line in (comment or "").splitlines() if line.strip()]
    paragraphs = [
        Text(
            "{author} ha valorado a la firma con {rating} de 5.", "{author} rated the firm {rating} of 5."
        ).fill(author=author, rating=rating),
        *(Text(line, line) for line in lines),
        Text("Hasta que la publiques no la ve nadie más.", "Until you publish it, nobody else can see it."),
    ]
    return Mail(
        subject=_WRITTEN.fill(rating=rating),
        paragraphs=paragraphs,
        footer=Text(
            "Recibes este aviso porque eres titular o administras la firma en Conecta.",
            "You get this notice because you own or administer the firm in Conecta.",
        ),
    )
