"""What the consent page shows: the firms to choose from, and each scope with where it can be had. No I/O."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from conecta.auth.roles import SCOPES_OF_CLIENT, SCOPES_OF_ROLE
from conecta.auth.scopes import SEED_SCOPES, SENTENCES, Scope
from conecta.kit.language import Text

ROLES = {
    "owner": Text("Titular", "Owner"),
    "admin": Text("Administración", "Administrator"),
    "provider": Text("Profesional", "Professional"),
    "assistant": Text("Asistencia", "Assistant"),
}

# True of every app, whatever it asks for.
NEVER = (
    Text("Ver tu contraseña ni tus códigos de acceso", "See your password or your sign-in codes"),
    Text("Entrar en el panel como si fueras tú", "Enter the panel as if it were you"),
)


@dataclass(frozen=True)
class Place:
    """A firm, or its sandbox, where the app may be let act; `allowed` is the most it can be given there."""

    tenant_id: str
    name: str
    hint: Text
    sandbox: bool
    allowed: frozenset[Scope]


@dataclass(frozen=True)
class Offer:
    """One scope that the app asks for and the person can give, in some place at least."""

    scope: Scope
    sentence: Text
    only_in: tuple[str, ...]  # the firms' names, when not in all


def firm_places(firm_id: str, name: str, role: str, sandbox_id: str | None) -> list[Place]:
    """Return a firm and its sandbox as a member with that role may give access to them."""
    allowed, hint = SCOPES_OF_ROLE[role], ROLES[role]
    firm = Place(firm_id, name, hint, sandbox=False, allowed=allowed)
    if sandbox_id is None:
        return [firm]
    words = Text("Datos de prueba, sin clientes reales", "Test data, no real clients")
    trial = Place(sandbox_id, f"{name} · {Text('pruebas', 'sandbox')}", words, sandbox=True, allowed=allowed)
    return [firm, trial]


def client_place(tenant_id: str, name: str, *, sandbox: bool) -> Place:
    """Return the one firm whose client is asked."""
    hint = Text("Solo lo que es tuyo en este despacho", "Only what is yours at this firm")
    return Place(tenant_id, name, hint, sandbox=sandbox, allowed=SCOPES_OF_CLIENT)


def offers(wanted: Iterable[Scope], places: Sequence[Place]) -> list[Offer]:
    """Return what can be given, in the order of the catalogue."""
    found = []
    for scope in SEED_SCOPES:
        where = [place for place in places if scope in place.allowed]
        if scope in set(wanted) and where:
            # A role is the same in a firm and in its sandbox: naming the firms is enough.
            firms = tuple(place.name for place in where if not place.sandbox)
            found.append(Offer(scope, SENTENCES[scope], () if len(where) == len(places) else firms))
    return found


def out_of_reach(wanted: Iterable[Scope], places: Sequence[Place]) -> list[Text]:
    """Return what the app asks for and the person can give nowhere."""
    return [SENTENCES[scope] for scope in wanted if not any(scope in place.allowed for place in places)]


def never(wanted: Collection[Scope]) -> list[Text]:
    """Return what the app will not be able to do, even if everything it asks for is given."""
    unasked = [SENTENCES[scope] for scope in SEED_SCOPES if scope not in wanted]
    return [*unasked, SENTENCES[Scope.ADMIN], *NEVER]
