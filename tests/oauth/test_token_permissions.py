"""One caller whatever the credential: the whole native API answers a token as it answers a key."""

import pytest

from conecta.auth.scopes import SEED_SCOPES, Scope
from tests.firms import make_key
from tests.permissions import PERMISSIONS
from tests.test_permissions import call, stored

from .arrange import register_app


@pytest.fixture
async def greedy(app, firm):
    """An app that may ask for all there is, of people and for the firm."""
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    registered = await register_app(app, firm, scopes=list(SEED_SCOPES), grant_types=grants)
    async with registered.http:
        yield registered


async def own_token(greedy, *scopes: Scope) -> str:
    answer = await greedy.token(grant_type="client_credentials", scope=" ".join(scopes))
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def gist(answer) -> tuple[int, str | None]:
    """Return what of an answer may not depend on the credential."""
    problem = "problem+json" in answer.headers.get("content-type", "")
    return answer.status_code, answer.json()["code"] if problem else None


async def test_without_its_scope_every_route_is_a_403_that_names_it(app, firm, greedy, superuser):
    without = {
        scope: await own_token(greedy, *(other for other in SEED_SCOPES if other is not scope))
        for scope in Scope
    }
    before = stored(superuser)
    wrong = {}
    for permission in PERMISSIONS:
        if permission.scope is None:
            continue
        async with firm.client(app, without[permission.scope]) as client:
            answer = await call(client, permission)
        challenge = answer.headers.get("www-authenticate", "")
        named = 'error="insufficient_scope"' in challenge and f'scope="{permission.scope}"' in challenge
        if gist(answer) != (403, "insufficient_scope") or not named:
            wrong[permission.name] = (answer.status_code, challenge)
    assert wrong == {}
    assert stored(superuser) == before


async def test_with_its_scope_alone_a_token_is_answered_as_a_key_is(app, firm, greedy):
    wrong = {}
    for scope in SEED_SCOPES:
        token, key = await own_token(greedy, scope), await make_key(app, firm.id, [scope])
        for permission in PERMISSIONS:
            if permission.scope not in {scope, None}:
                continue
            async with firm.client(app, token) as by_token, firm.client(app, key) as by_key:
                answers = [gist(await call(client, permission)) for client in (by_token, by_key)]
            if answers[0] != answers[1] or answers[0][0] in {401, 403, 405} or answers[0][0] >= 500:
                wrong[permission.name] = answers
    assert wrong == {}


async def test_a_persons_token_is_answered_as_a_key_with_the_same_scopes(app, firm, greedy, browser, owner):
    tokens = await greedy.tokens(browser, owner, scope=" ".join(SEED_SCOPES))
    key = await make_key(app, firm.id, list(SEED_SCOPES))
    wrong = {}
    for permission in PERMISSIONS:
        async with firm.client(app, tokens["access_token"]) as by_token, firm.client(app, key) as by_key:
            answers = [gist(await call(client, permission)) for client in (by_token, by_key)]
        if answers[0] != answers[1] or (answers[0][0] == 403) is not (permission.scope is Scope.ADMIN):
            wrong[permission.name] = answers
    assert wrong == {}


async def test_a_token_writes_and_reads_as_a_key_does(app, firm, greedy, browser, owner):
    """A whole piece of work by a person's token; a key of the firm sees it, and its author."""
    tokens = await greedy.tokens(browser, owner, scope="write:clients read:clients write:cases read:cases")
    async with firm.client(app, tokens["access_token"]) as person, firm.client(app) as key:
        client = (await person.post("/clients", json={"name": "Ana Gil"})).json()
        body = {
            "client_id": client["id"],
            "category": "civil",
            "title": "Reclamación",
            "assigned_provider_id": firm.owner_id,
        }
        headers = {"Idempotency-Key": "one-case-only"}
        made = await person.post("/cases", json=body, headers=headers)
        again = await person.post("/cases", json=body, headers=headers)
        assert (made.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        case = f"/cases/{made.json()['id']}"
        seen, told = await person.get(case), await key.get(case)
        assert (seen.content, seen.headers["etag"]) == (told.content, told.headers["etag"])
        fresh = await person.get(case, headers={"If-None-Match": seen.headers["etag"]})
        assert fresh.status_code == 304
        changed = await person.patch(case, json={"title": "Otra"}, headers={"If-Match": seen.headers["etag"]})
        assert changed.status_code == 200
        note = (await person.post(f"{case}/notes", json={"content": "Hecho"})).json()
        assert "Núria Íñiguez" in str(note) or firm.owner_id in str(note)


async def test_tokens_and_keys_draw_on_the_same_limits(app, firm, greedy):
    token = await own_token(greedy, Scope.CASES_READ)
    async with firm.client(app) as key, firm.client(app, token) as by_token:
        first = int((await key.get("/cases")).headers["x-ratelimit-remaining"])
        second = await by_token.get("/cases")
        assert int(second.headers["x-ratelimit-remaining"]) == first - 1
        assert "ratelimit-policy" in second.headers
