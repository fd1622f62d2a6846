"""What is refused on the way in. People meet these on pages only, so they are no Problems of the API."""

from conecta.kit.language import Text


class SignInRefusal(Exception):
    """Base of these refusals; `text` is the sentence that people read."""

    text: Text = Text("No ha sido posible.", "It was not possible.")

    def __init__(self, text: Text | None = None) -> None:
        self.text = text or self.text
        super().__init__(self.text.en)


class WrongCredentials(SignInRefusal):
    """The address is unknown, has no password, or has another one: nobody is told which.

    `person_id` and `name` say whose account it was, for the audit log; `last_allowed` that the next try
    within this window would be held back.
    """

    text = Text(
        "El correo o la contraseña no son correctos.", "The e-mail address or the password is not correct."
    )

    def __init__(self, person_id: str | None, name: str, *, last_allowed: bool) -> None:
        self.person_id, self.name, self.last_allowed = person_id, name, last_allowed
        super().__init__()


class CodeRefused(SignInRefusal):
    """The code is wrong, too old, or was used."""

    text = Text(
        "El código no es correcto o ya se ha usado. Escribe el que muestra ahora tu aplicación.",
        "The code is not correct or was used already. Enter the one your app shows now.",
    )


class NoFirm(SignInRefusal):
    """They are who they say, but no firm has them as an active member."""

    text = Text(
        "Tu cuenta no pertenece ahora mismo a ninguna firma. Pide a la tuya que te invite.",
        "Your account belongs to no firm at the moment. Ask yours to invite you.",
    )


class TooManyAttempts(SignInRefusal):
    """Held back: an account, or an address, has tried too often."""

    text = Text(
        "Demasiados intentos. Podrás volver a probar dentro de {wait_es}.",
        "Too many attempts. You can try again in {wait_en}.",
    )

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        wait = waiting_time(seconds)
        super().__init__(self.text.fill(wait_es=wait.es, wait_en=wait.en))


class LinkClosed(SignInRefusal):
    """The link, or the step it led to, is unknown, used or expired."""

    text = Text(
        "El enlace ya no vale: se ha usado, ha caducado o se pidió otro después. Pide uno nuevo.",
        "The link is no longer valid: it was used, has expired, or another was asked for later. Ask for a new"
        " one.",
    )


class PasswordRefused(SignInRefusal):
    """The new password is too short, too long or too easy to guess; the sentence says which."""


class PasskeyRefused(SignInRefusal):
    """The passkey proves nothing here: unknown, of another site, without a verified person, or replayed."""

    text = Text(
        "No hemos podido comprobar esa llave de acceso. Prueba otra vez o entra de otra manera.",
        "We could not verify that passkey. Try again or sign in another way.",
    )


class ProofNeeded(SignInRefusal):
    """What protects the account changes only for who has proved within ten minutes that it is theirs."""

    text = Text(
        "Confirma antes que eres tú: ha pasado un rato desde que entraste.",
        "Confirm first that it is you: you signed in a while ago.",
    )


class TooManyPasskeys(SignInRefusal):
    """Nobody needs so many; each one opens the account."""

    text = Text(
        "Ya tienes el máximo de llaves de acceso; elimina antes una que no uses.",
        "You already have as many passkeys as you may have; remove one that you do not use first.",
    )


def waiting_time(seconds: int) -> Text:
    """Write a waiting time for people, rounded up: seconds, minutes or hours."""
    if seconds < 90:
        return _counted(seconds, Text("segundo", "second"), Text("segundos", "seconds"))
    if seconds < 90 * 60:
        return _counted(-(-seconds // 60), Text("minuto", "minute"), Text("minutos", "minutes"))
    return _counted(-(-seconds // 3600), Text("hora", "hour"), Text("horas", "hours"))


def _counted(number: int, one: Text, many: Text) -> Text:
    words = one if number == 1 else many
    return Text(f"{number} {words.es}", f"{number} {words.en}")
