"""The door: which credentials come in, what the others are told, and that 401 comes before anything else."""

import ipaddress
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from conecta.api import PREFIX
from conecta.auth.scopes import Scope
from tests.conftest import http_client
from tests.firms import make_key

LIMIT_HEADERS = (
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "ratelimit",
    "ratelimit-policy",
)


def assert_refused(answer: httpx.Response, *, error: str | None) -> None:
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthorized"
    (challenge,) = answer.headers.get_list("www-authenticate")
    parts = re.fullmatch(
        r'Bearer realm="conecta"(?:, error="(\w+)", error_description="([ !#-\[\]-~]+)")?'
        r', resource_metadata="http://testserver/.well-known/oauth-protected-resource/v1/servicios"',
        challenge,
    )
    assert parts, challenge
    assert parts[1] == error
    for name in LIMIT_HEADERS:
        assert len(answer.headers.get_list(name)) == 1, name


async def call(app, method="GET", path="/usage", headers=(), address="203.0.113.7", **more) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        return await client.request(method, PREFIX + path, headers=list(headers), **more)


def bearer(key: str | bytes) -> list[tuple[bytes, bytes]]:
    return [(b"Authorization", b"Bearer " + (key.encode() if isinstance(key, str) else key))]


# --- odd forms ----------------------------------------------------------------------------------------


async def test_without_a_credential(app):
    assert_refused(await call(app), error=None)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer  \t ",
        b"Basic dXNlcjpwYXNz",
        b"Digest username=x",
        b"sk_live_cnt_ABC",
        b"Bearer one two",
        b"Bearer one, Bearer two",
        b"Bearer\tsk_live",
        "Bearer ñandú".encode(),
        b"Bearer \xff\xfe",
    ],
)
async def test_header_that_is_no_bearer_token(app, value):
    assert_refused(await call(app, headers=[(b"Authorization", value)]), error="invalid_request")


@pytest.mark.parametrize(
    "token",
    [
        b"nonsense",
        b"x" * 10_240,
        b"sk_" + b"x" * 10_240,
        b"sk_live_cnt_",
        b"sk_live_cnt_" + b"A" * 36,
        b"sk_prod_cnt_" + b"A" * 36,
        b"sk_live_1234567890",
        b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
        b"sk_live_cnt_" + b"A" * 35 + b"\n",
        b"sk_live\x00",
        b"' or 1=1 --".replace(b" ", b"+"),
    ],
)
async def test_token_that_is_nobodys(app, token):
    assert_refused(await call(app, headers=bearer(token)), error="invalid_token")


async def test_two_headers_are_refused_even_when_both_are_right(app, firm):
    answer = await call(app, headers=bearer(firm.key) * 2)
    assert_refused(answer, error="invalid_request")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer", "bEaReR"])
@pytest.mark.parametrize("gap", [" ", "   "])
async def test_scheme_has_no_case_and_blanks_do_not_matter(app, firm, scheme, gap):
    answer = await call(app, headers=[("Authorization", f"{scheme}{gap}{firm.key} ")])
    assert answer.status_code == 200


@pytest.mark.parametrize("change", ["typo", "checksum", "case", "longer", "shorter", "newline"])
async def test_key_that_was_not_copied_whole(app, firm, superuser, change):
    key = firm.key
    wrong = {
        "typo": key[:20] + ("a" if key[20] != "a" else "b") + key[21:],
        "checksum": key[:-1] + ("a" if key[-1] != "a" else "b"),
        "case": key.swapcase(),
        "longer": key + "a",
        "shorter": key[:-1],
        "newline": key[:30] + "\n" + key[30:],
    }[change]
    assert_refused(await call(app, headers=bearer(wrong)), error="invalid_token")


async def test_well_formed_key_that_nobody_has(app):
    from conecta.api_keys.rules import new_key

    assert_refused(await call(app, headers=bearer(new_key("live"))), error="invalid_token")


# --- keys that are over -------------------------------------------------------------------------------


async def test_revoked_key(app, firm, api):
    key = await make_key(app, firm.id, [Scope.ADMIN])
    async with firm.client(app, key) as doomed:
        keys = (await doomed.get("/api-keys")).json()["data"]
        (mine,) = [found for found in keys if found["hint"].endswith(key[-4:])]
        assert (await api.delete(f"/api-keys/{mine['id']}")).status_code == 204
        answer = await doomed.get("/usage")
    assert_refused(answer, error="invalid_token")
    assert "revocada" in answer.json()["detail"]


@pytest.mark.parametrize(("ago", "status"), [(timedelta(seconds=1), 401), (-timedelta(minutes=1), 200)])
async def test_expired_key(app, firm, superuser, ago, status):
    superuser.execute("update api_keys set expires_at = %s", [datetime.now(UTC) - ago])
    answer = await call(app, headers=bearer(firm.key))
    assert answer.status_code == status
    if status == 401:
        assert_refused(answer, error="invalid_token")
        assert "caducado" in answer.json()["detail"]


async def test_refused_keys_never_spend_the_firms_requests(app, firm, superuser):
    """Somebody who found a revoked key must not be able to shut the firm out."""
    changes = {
        "revoked_at": datetime.now(UTC),
        "expires_at": datetime.now(UTC) - timedelta(days=1),
        "allowed_addresses": ["192.0.2.0/24"],
    }
    for column, value in changes.items():
        superuser.execute(f"update api_keys set {column} = %s where tenant_id = %s", [value, firm.id])
        assert (await call(app, headers=bearer(firm.key))).status_code == 401
        empty = [] if column == "allowed_addresses" else None
        superuser.execute(f"update api_keys set {column} = %s where tenant_id = %s", [empty, firm.id])
        subjects = superuser.execute("select subject from rate_windows").fetchall()
        assert subjects == [("address:203.0.113.7",)], column


# --- from where ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        (["203.0.113.0/24"], "203.0.113.7", 200),
        (["203.0.113.0/24"], "203.0.114.7", 401),
        (["203.0.113.7"], "203.0.113.7", 200),
        (["203.0.113.7"], "203.0.113.8", 401),
        (["203.0.113.0/24"], "::ffff:203.0.113.7", 200),
        (["203.0.113.0/24"], "::ffff:203.0.114.7", 401),
        (["::ffff:203.0.113.0/120"], "203.0.113.7", 200),
        (["2001:db8::/32"], "2001:db8:1::5", 200),
        (["2001:db8::/32"], "2001:db9::5", 401),
        (["2001:db8::/32"], "203.0.113.7", 401),
        (["0.0.0.0/0"], "2001:db8::1", 401),
        (["fe80::/10"], "fe80::1%eth0", 200),
        (["10.0.0.0/8", "2001:db8::/32", "203.0.113.7/32"], "203.0.113.7", 200),
        ([], "2001:db8::1", 200),
        (["0.0.0.0/0", "::/0"], "not an address", 401),
        ([], "not an address", 200),
    ],
)
async def test_key_bound_to_addresses(app, firm, networks, address, status):
    key = await make_key(app, firm.id, [Scope.ADMIN], allowed_addresses=networks)
    answer = await call(app, headers=bearer(key), address=address)
    assert answer.status_code == status, answer.text
    if status == 401:
        assert_refused(answer, error="invalid_token")
        assert str(address) in answer.json()["detail"]


def test_addresses_of_the_table_are_addresses():
    assert ipaddress.ip_address("::ffff:203.0.113.7").ipv4_mapped is not None


# --- X-Tenant-ID --------------------------------------------------------------------------------------


@pytest.mark.parametrize("spelling", ["{id}", " {id} "])
async def test_own_tenant_may_be_named(app, firm, spelling):
    for key, names in (
        (firm.key, [firm.id]),
        (firm.sandbox_key, [firm.id, firm.sandbox_id]),
    ):
        for name in names:
            headers = [*bearer(key), (b"X-Tenant-ID", spelling.format(id=name).encode())]
            assert (await call(app, headers=headers)).status_code == 200


async def test_other_tenants_may_not_be_named(app, firm, other_firm):
    strangers = [other_firm.id, other_firm.sandbox_id, "tenant_abc123", "", "ñ".encode().decode("latin-1")]
    for key, names in (
        (firm.key, [*strangers, firm.sandbox_id, firm.id.upper(), f"{firm.id},{firm.id}"]),
        (firm.sandbox_key, strangers),
    ):
        for name in names:
            headers = [*bearer(key), (b"X-Tenant-ID", name.encode("latin-1"))]
            answer = await call(app, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "tenant_mismatch"), name
            assert len(answer.headers.get_list("x-ratelimit-limit")) == 1


async def test_second_tenant_header_does_not_slip_by(app, firm, other_firm):
    headers = [
        *bearer(firm.key),
        (b"X-Tenant-ID", firm.id.encode()),
        (b"X-Tenant-ID", other_firm.id.encode()),
    ]
    assert (await call(app, headers=headers)).status_code == 403


async def test_tenant_header_alone_is_no_credential(app, firm):
    assert_refused(await call(app, headers=[(b"X-Tenant-ID", firm.id.encode())]), error=None)


# --- 401 comes first ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "content", "kind"),
    [
        ("POST", "/clients", b"{", "application/json"),
        ("POST", "/clients", b'{"name": 7}', "application/json"),
        ("POST", "/clients", b"x", "text/plain"),
        ("POST", "/clients", b"x" * 2_000_000, "application/json"),
        ("GET", "/clients?limit=-1", None, None),
        ("GET", "/clients?limit=%ff", None, None),
        ("GET", "/nowhere", None, None),
        ("PUT", "/clients", None, None),
        ("GET", "/clients/%00", None, None),
        ("TRACE", "/clients", None, None),
    ],
)
async def test_nothing_is_said_before_the_credential(app, method, path, content, kind):
    headers = [(b"Content-Type", kind.encode())] if kind else []
    assert_refused(await call(app, method, path, headers, content=content), error=None)


async def test_refusals_have_no_body_secrets(app):
    token = "sk_live_cnt_SecretSecretSecretSecretSecretSecret12"
    answer = await call(app, headers=bearer(token))
    assert token not in answer.text
    assert token not in str(answer.headers)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_doors_of_the_operator_need_no_key_and_spend_nothing(app, superuser, path):
    async with http_client(app) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert "x-ratelimit-limit" not in answer.headers
    assert superuser.execute("select count(*) from rate_windows").fetchone() == (0,)


async def test_prefix_without_a_path_is_no_way_around(app):
    async with http_client(app) as client:
        for path in ("/v1/servicios", "/v1/servicios/", "/v1//servicios/clients", "//v1/servicios/clients"):
            answer = await client.get(f"http://testserver{path}")
            assert answer.status_code in {401, 404}, path
            assert "data" not in answer.json()
