"""How an authorization request is refused: on a page, or by redirect. Machines get RFC 6749 JSON instead.

None of these is a Problem: the native API never answers them.
"""

from typing import TYPE_CHECKING

from conecta.kit.language import Text

if TYPE_CHECKING:
    from .registered_app import RegisteredApp


class NoRedirect(Exception):
    """Neither the app nor the redirect URI can be trusted: tell the person, and redirect nowhere."""

    def __init__(self, sentence: Text) -> None:
        self.sentence = sentence
        super().__init__(sentence.en)


class RedirectError(Exception):
    """The app is told by redirect: `location` has error, error_description, state and iss.

    The redirect URI is registered, but the app may be anybody's: sign the person in first, so that a link
    to us cannot be used to send strangers elsewhere (RFC 9700 §4.11.2).
    """

    def __init__(self, *, app: "RegisteredApp", error: str, description: str, location: str) -> None:
        self.app, self.error, self.description, self.location = app, error, description, location
        super().__init__(f"{error}: {description}")


class TooManyAttempts(Exception):
    """Too many wrong client credentials came from an address: 429, and the seconds to wait."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"Wait {seconds} seconds.")
