"""Every native route is in the permission table, and does what the table says."""

import re

from conecta import api as native
from conecta.auth.require import Require
from conecta.auth.scopes import Scope
from conecta.kit.routing import ApiRoute
from tests.firms import make_key
from tests.permissions import PERMISSIONS, Permission


def routes_of_the_app(app) -> set[str]:
    """Return every native route that the running application documents, as `METHOD /path`."""
    paths = app.openapi()["paths"]
    return {
        f"{method.upper()} {path.removeprefix(native.PREFIX)}"
        for path, operations in paths.items()
        if path.startswith(native.PREFIX)
        for method in operations
    }


def called(permission: Permission) -> str:
    """Fill the path with ids that nobody has."""
    return re.sub(r"\{\w+\}", "nobody", permission.path)


async def call(client, permission: Permission):
    body = {} if permission.method in {"POST", "PATCH", "PUT"} else None
    return await client.request(permission.method, called(permission), json=body)


def stored(superuser) -> dict[str, int]:
    """Count the rows of every table, but for the counters and the log of requests."""
    tables = superuser.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and relname not in ('rate_windows', 'logged_requests') order by 1"
    ).fetchall()
    return {name: superuser.execute(f'select count(*) from "{name}"').fetchone()[0] for (name,) in tables}


def test_table_lists_each_route_once():
    names = [permission.name for permission in PERMISSIONS]
    assert sorted(names) == sorted(set(names))


def test_every_route_is_in_the_table(app):
    listed = {permission.name for permission in PERMISSIONS}
    found = routes_of_the_app(app)
    assert found - listed == set(), "add these routes to tests/permissions.py, with their scope"
    assert listed - found == set(), "these routes are gone: take them out of tests/permissions.py"


def test_every_native_route_is_documented(app):
    """The table is checked against the document, so no route may hide from it."""
    hidden = [route.path for route in native.routes() if not getattr(route, "include_in_schema", False)]
    assert hidden == []
    assert all(isinstance(route, ApiRoute) for route in native.routes())


def test_guards_are_those_of_the_table():
    """Each route has one guard, of this scope, open to the firm's clients only where the table says so."""
    found = {}
    for route in native.routes():
        guards = [d.call for d in route.dependant.dependencies if isinstance(d.call, Require)]
        assert len(guards) == 1, f"{route.path} has {len(guards)} guards"
        for method in route.methods:
            name = f"{method} {route.path.removeprefix(native.PREFIX)}"
            found[name] = (guards[0].scope, guards[0].clients, guards[0].visitors)
    assert found == {p.name: (p.scope, p.client, p.visitor) for p in PERMISSIONS}


def test_clients_of_the_firm_only_read_but_for_their_bookings():
    for permission in PERMISSIONS:
        if permission.client and permission.scope is not Scope.BOOKINGS_WRITE:
            assert permission.method == "GET", permission.name
            readable = {Scope.CASES_READ, Scope.CLIENTS_READ, Scope.BOOKINGS_READ}
            assert permission.scope in readable, permission.name


async def test_without_a_credential_every_route_is_a_401(app, anonymous, firm, superuser):
    before = stored(superuser)
    wrong = {}
    for permission in PERMISSIONS:
        superuser.execute("delete from rate_windows")  # so many refusals would run into their own limit
        path = native.PREFIX + called(permission)
        answer = await anonymous.request(permission.method, path, json={})
        if answer.status_code != 401:
            wrong[permission.name] = answer.status_code
    assert wrong == {}
    assert stored(superuser) == before


async def test_with_every_other_scope_a_route_is_a_403(app, firm, superuser):
    keys = {
        scope: await make_key(app, firm.id, [other for other in Scope if other is not scope])
        for scope in Scope
    }
    before = stored(superuser)
    wrong = {}
    for permission in PERMISSIONS:
        if permission.scope is None:
            continue
        async with firm.client(app, keys[permission.scope]) as client:
            answer = await call(client, permission)
        if (answer.status_code, answer.json().get("code")) != (403, "insufficient_scope"):
            wrong[permission.name] = answer.status_code
        elif f'scope="{permission.scope}"' not in answer.headers["www-authenticate"]:
            wrong[permission.name] = answer.headers["www-authenticate"]
    assert wrong == {}
    assert stored(superuser) == before


async def test_with_its_own_scope_alone_a_route_lets_in(app, firm):
    keys = {scope: await make_key(app, firm.id, [scope]) for scope in Scope}
    wrong = {}
    for permission in PERMISSIONS:
        key = keys[permission.scope or Scope.INVOICES_READ]
        async with firm.client(app, key) as client:
            answer = await call(client, permission)
        if answer.status_code in {401, 403, 405} or answer.status_code >= 500:
            wrong[permission.name] = (answer.status_code, answer.text)
        elif answer.status_code == 404:
            assert answer.json()["code"] == "not_found", permission.name
    assert wrong == {}


async def test_scope_is_checked_before_the_request_is_looked_at(app, firm):
    """Who may not come in learns nothing of parameters, bodies or rows."""
    key = await make_key(app, firm.id, [Scope.INVOICES_READ])
    headers = {"Content-Type": "application/json"}
    async with firm.client(app, key) as client:
        answers = [
            await client.get("/clients?limit=-1"),
            await client.post("/clients", content=b"{", headers=headers),
            await client.post("/clients", content=b"x" * 2_000_000, headers=headers),
            await client.get("/clients", headers={"Accept": "text/html"}),
            await client.post("/clients", json={"name": "A"}, headers={"Idempotency-Key": "a b"}),
        ]
    assert [answer.status_code for answer in answers] == [403] * 5
