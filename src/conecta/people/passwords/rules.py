"""Which passwords are good enough: long, and hard to guess for somebody who knows the person. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from conecta.kit.language import Text

from .hashing import LONGEST, normal

SHORTEST = 10
_WANTED_SCORE = 3  # of zxcvbn's four: "safely unguessable" by who tries a hundred million times
# Beside somebody's names a password needs as much of its own.
_ENOUGH_BESIDE, _SHORTEST_NAME = 8, 4
_SCORED = 72  # what comes after adds nothing to a good one, and zxcvbn takes long over long texts

# What people in Spain choose; zxcvbn's own lists are of English.
COMMON_IN_SPANISH = (
    "contraseña", "contrasena", "contrasenya", "clave", "secreto", "bienvenido", "bienvenida", "hola",
    "holamundo", "teamo", "tequiero", "amor", "familia", "españa", "espana", "madrid", "barcelona",
    "valencia", "sevilla", "zaragoza", "malaga", "murcia", "bilbao", "alicante", "cordoba", "granada",
    "galicia", "asturias", "canarias", "catalunya", "cataluña", "andalucia", "euskadi", "realmadrid",
    "halamadrid", "barça", "barsa", "visca", "viscabarça", "atleti", "atletico", "betis", "athletic",
    "futbol", "gaviota", "estrella", "mariposa", "princesa", "sol", "luna", "verano", "invierno",
    "primavera", "otoño", "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto",
    "septiembre", "octubre", "noviembre", "diciembre", "lunes", "martes", "miercoles", "jueves", "viernes",
    "sabado", "domingo", "navidad", "bufete", "abogado", "abogada", "abogados", "despacho", "asesoria",
    "gestoria", "notaria", "procurador", "clinica", "arquitecto", "cliente", "clientes", "expediente",
    "factura", "facturas", "oficina", "empresa", "trabajo", "ordenador", "administrador", "usuario",
    "prueba", "pruebas", "servicios", "conecta", "serviciosconecta", "cambiame", "entrar", "acceso",
    "mipassword", "micontraseña", "qwertyñ", "asdfghjklñ",
)  # fmt: skip

_TOO_SHORT = Text(
    "La contraseña necesita al menos {number} caracteres.", "The password needs at least {number} characters."
)
_TOO_LONG = Text(
    "La contraseña puede tener {number} caracteres como mucho.",
    "The password may have {number} characters at most.",
)
_WHAT_HELPS = Text(
    "Junta varias palabras que no tengan relación, o deja que la invente tu gestor de contraseñas.",
    "Put several unrelated words together, or let your password manager make one up.",
)
_WEAKNESSES = {
    "personal": Text(
        "Es fácil de adivinar: contiene tu correo, tu nombre o el de tu firma.",
        "It is easy to guess: it contains your e-mail address, your name or your firm's.",
    ),
    "dictionary": Text(
        "Es fácil de adivinar: usa palabras o contraseñas muy comunes, que ya han aparecido en filtraciones.",
        "It is easy to guess: it uses very common words or passwords, which have been in leaks before.",
    ),
    "repeat": Text(
        "Es fácil de adivinar: repite letras o grupos.", "It is easy to guess: it repeats itself."
    ),
    "sequence": Text(
        "Es fácil de adivinar: tiene series como abcd o 6543.",
        "It is easy to guess: it has sequences such as abcd or 6543.",
    ),
    "spatial": Text(
        "Es fácil de adivinar: son teclas vecinas.", "It is easy to guess: the keys lie side by side."
    ),
    "date": Text("Es fácil de adivinar: contiene una fecha.", "It is easy to guess: it contains a date."),
    "bruteforce": Text("Es fácil de adivinar.", "It is easy to guess."),
}


def weakness(password: str, *, about: Iterable[str]) -> Text | None:
    """Return what is wrong with a new password, None when it is good.

    Args:
        password: as it was typed.
        about: what somebody who knows the person would try: e-mail address, name, firms.
    """
    password = normal(password)
    if len(password) < SHORTEST:
        return _TOO_SHORT.fill(number=SHORTEST)
    if len(password) > LONGEST:
        return _TOO_LONG.fill(number=LONGEST)
    personal = _words(about)
    if _is_all_about(password, personal):
        return _with_advice(_WEAKNESSES["personal"])
    found = _score(password[:_SCORED], [*personal, *COMMON_IN_SPANISH])
    if found["score"] >= _WANTED_SCORE:
        return None
    return _with_advice(_WEAKNESSES[_weakest(found["sequence"], set(personal))])


def _with_advice(reason: Text) -> Text:
    return Text(f"{reason.es} {_WHAT_HELPS.es}", f"{reason.en} {_WHAT_HELPS.en}")


def _is_all_about(password: str, personal: Iterable[str]) -> bool:
    """Say whether next to nothing is left without the names of the person and of their firm."""
    left = whole = _folded(password)
    for word in sorted({_folded(word) for word in personal}, key=len, reverse=True):
        if len(word) >= _SHORTEST_NAME:
            left = left.replace(word, "")
    return left != whole and len(left) < _ENOUGH_BESIDE


def _folded(text: str) -> str:
    """Return the bare letters and digits: without case, accents and what stands between."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in apart if letter.isalnum())


def _score(password: str, known: Sequence[str]) -> dict[str, Any]:
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]  # its lists of words take a while to load

    # It takes a known word whole: so also as parts, and without the dots and dashes between them.
    return dict(zxcvbn(password, user_inputs=list(known)))


def _words(about: Iterable[str]) -> list[str]:
    """Return texts whole, without blanks, and in parts, all in lower case."""
    found: dict[str, None] = {}
    for text in about:
        whole = normal(text).lower()[:200]
        parts = [part for part in re.split(r"[\W_]+", whole) if len(part) >= 3]
        for word in (whole, "".join(parts), *parts):
            if len(word) >= 3:
                found[word] = None
    return list(found)


def _weakest(sequence: Sequence[dict[str, Any]], personal: set[str]) -> str:
    if any(
        match["pattern"] == "dictionary"
        and match["dictionary_name"] == "user_inputs"
        and match["matched_word"] in personal
        for match in sequence
    ):
        return "personal"
    patterns = [match["pattern"] for match in sequence if match["pattern"] != "bruteforce"]
    longest = max(sequence, key=lambda match: len(match["token"]), default={"pattern": "bruteforce"})
    pattern = str(longest["pattern"]) if longest["pattern"] in patterns or not patterns else patterns[0]
    return pattern if pattern in _WEAKNESSES else "bruteforce"
