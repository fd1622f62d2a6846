"""What the firm's clients are mailed so that they can come in. Pure."""

from collections.abc import Sequence

from conecta.kit.language import Text
from conecta.messages.service import Mail

_INVITATION = Text("{firm}: tu acceso al portal de clientes", "{firm}: your access to the client portal")
_SIGN_IN = Text("{firm}: tu enlace para entrar", "{firm}: your sign-in link")
_GREETING = Text("Hola, {name}:", "Hello {name},")
_ENTER = Text("Entrar como {name}", "Sign in as {name}")


def invitation(firm: str, client: str, url: str) -> Mail:
    """Write the mail that invites a client to the firm's portal."""
    return Mail(
        subject=_INVITATION.fill(firm=firm),
        paragraphs=[
            _GREETING.fill(name=client),
            Text(
                "{firm} te ha abierto un acceso para que veas tus expedientes y lo que comparte contigo.",
                "{firm} has opened an access for you to see your cases and what they share with you.",
            ).fill(firm=firm),
            Text(
                "No necesitas contraseña: cada vez que quieras entrar te enviaremos un enlace a este correo.",
                "You need no password: each time you want to come in we will mail you a link.",
            ),
        ],
        button=(_ENTER.fill(name=client), url),
        footer=Text(
            "El enlace sirve una sola vez, durante siete días. Si no eres cliente de {firm}, no hagas caso"
            " de este correo.",
            "The link works once, for seven days. If you are no client of {firm}, ignore this mail.",
        ).fill(firm=firm),
    )


def sign_in(firm: str, links: Sequence[tuple[str, str]]) -> Mail:
    """Write the mail with a link for each client (name and URL) that has the address it goes to.

    A link belongs to one client: whoever shares an address with another chooses by the name, and the
    two logins never mix.
    """
    footer = Text(
        "Cada enlace sirve una sola vez, durante quince minutos. Si no lo has pedido, ignora este correo:"
        " nadie entra sin él.",
        "Each link works once, for fifteen minutes. If you did not ask for it, ignore this mail: nobody gets"
        " in without it.",
    )
    if len(links) == 1:
        name, url = links[0]
        asked = Text(
            "Has pedido entrar en el portal de clientes de {firm}.",
            "You asked to sign in to the client portal of {firm}.",
        )
        return Mail(
            subject=_SIGN_IN.fill(firm=firm),
            paragraphs=[_GREETING.fill(name=name), asked.fill(firm=firm)],
            button=(_ENTER.fill(name=name), url),
            footer=footer,
        )
    shared = Text(
        "Has pedido entrar en el portal de clientes de {firm}. Varios clientes usan esta dirección: elige el"
        " enlace de quien quieras ser esta vez.",
        "You asked to sign in to the client portal of {firm}. Several clients use this address: choose the"
        " link of whom you want to sign in as.",
    )
    return Mail(
        subject=_SIGN_IN.fill(firm=firm),
        paragraphs=[shared.fill(firm=firm)],
        links=[(_ENTER.fill(name=name), url) for name, url in links],
        footer=footer,
    )
