"""Bodies as they may arrive: broken, huge, hostile or nearly right. Each gets a clear answer, never a 500."""

import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.kit import json_body
from conecta.kit.errors import MalformedRequest, ValidationFailed

JSON = {"Content-Type": "application/json"}
NUL, HALF = "\\u0000", "\\ud800"


async def post(api, body: bytes | str, **headers: str):
    content = body if isinstance(body, bytes) else body.encode()
    return await api.post("/clients", content=content, headers={**JSON, **headers})


async def stored(api) -> list[dict]:
    return (await api.get("/clients")).json()["data"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"}",
        b"   ",
        b"{'name': 'Ana'}",
        b'{"name": "Ana",}',
        b'{"name": "Ana"} {"name": "Eva"}',
        b'{"name": Ana}',
        b'{"name": "Ana\x00"}',
        b'{"name": "Ana\n"}',
        b'{"name": "\\x41"}',
        b"\xef\xbb\xbf" + b'{"name": "Ana"}',
        '{"name": "Ana"}'.encode("utf-16"),
        '{"name": "Ana"}'.encode("utf-16-le"),
        '{"name": "Ana"}'.encode("utf-32"),
        '{"name": "Iñaki"}'.encode("latin-1"),
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "\xc0\x80"}',
        b'{"name": "A", "custom_fields": {"a": NaN}}',
        b'{"name": "A", "custom_fields": {"a": Infinity}}',
        b'{"name": "A", "custom_fields": {"a": -Infinity}}',
        b'{"name": "A", "custom_fields": {"a": 1e999}}',
        b'{"name": "A", "custom_fields": {"a": -1e999}}',
        b'{"name": "A", "custom_fields": {"a": ' + b"9" * 401 + b"}}",
        b'{"name": "A", "custom_fields": {"a": ' + b"9" * 100_000 + b"}}",
        b'{"name": "A", "name": "B"}',
        b'{"name": "A", "custom_fields": {"a": 1, "b": 2, "a": 1}}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"custom_fields":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"\xff\xfe",
        b"PK\x03\x04",
        b"<client/>",
        b"name=Ana",
    ],
)
async def test_what_is_no_json_is_a_400(api, body):
    answer = await post(api, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), answer.text
    assert answer.json()["detail"]
    assert await stored(api) == []


async def test_refusal_says_where_the_json_stops(api):
    answer = await post(api, '{\n  "name": Ana\n}', **{"Accept-Language": "en"})
    assert "line 2, column 11" in answer.json()["detail"]


async def test_repeated_member_is_named(api):
    answer = await post(api, '{"name": "A", "n~/": 1, "n~/": 1}')
    assert "n~0~1" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"[]", b'["name"]', b'"name"', b"7", b"true", b"1.5", b"null"])
async def test_body_that_is_no_object(api, body):
    answer = await post(api, body)
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("", "type")]


async def test_body_that_is_not_there(api):
    answer = await post(api, b"")
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("", "required")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (f'{{"name": "A{NUL}"}}', "/name"),
        (f'{{"name": "A{HALF}"}}', "/name"),
        (f'{{"name": "{HALF}{HALF}"}}', "/name"),
        ('{"name": "\\udc00"}', "/name"),
        (f'{{"name": "A", "custom_fields": {{"a": "{NUL}"}}}}', "/custom_fields/a"),
        (f'{{"name": "A", "custom_fields": {{"{NUL}": "a"}}}}', "/custom_fields"),
        (f'{{"name": "A", "additional_emails": ["a@example.com", "{HALF}"]}}', "/additional_emails/1"),
        (f'{{"name": "A", "nested": {{"a/b~c": [{{"x": "{NUL}"}}]}}}}', "/nested/a~1b~0c/0/x"),
        (f'"{NUL}"', ""),
        (f'{{"{HALF}": 1}}', ""),
    ],
)
async def test_text_that_no_database_holds_is_a_422_that_says_where(api, body, pointer):
    answer = await post(api, body)
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, "unstorable_text")]
    assert await stored(api) == []


async def test_escapes_that_are_text_are_accepted(api):
    answer = await post(api, '{"name": "\\u00d1and\\u00fa \\ud83d\\ude00 \\\\u0000"}')
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "Ñandú 😀 \\u0000"


@pytest.mark.parametrize(
    "name", ["Ñandú", "李小龙", "محمد", "😀👩‍👩‍👧", "a\u2028b", "e\u0301", "\ufeffBOM", "ﬁ"]
)
async def test_any_other_text_comes_back_as_it_was(api, name):
    answer = await post(api, json.dumps({"name": name}, ensure_ascii=False))
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == name
    assert [client["name"] for client in await stored(api)] == [name]


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("additional_emails", ["a@example.com"] * 10_000, "too_many"),
        ("additional_phones", ["+34600111222"] * 10_000, "too_many"),
        ("custom_fields", {f"k{i}": i for i in range(10_000)}, "too_many"),
    ],
)
async def test_ten_thousand_elements_are_refused_quickly(api, member, value, code):
    started = time.perf_counter()
    answer = await post(api, json.dumps({"name": "Ana", member: value}))
    assert time.perf_counter() - started < 2
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(f"/{member}", code)]


async def test_ten_thousand_mistakes_are_not_all_listed(api):
    started = time.perf_counter()
    answer = await post(api, json.dumps({"name": "Ana"} | {f"unknown_{i}": i for i in range(10_000)}))
    assert time.perf_counter() - started < 2
    assert answer.status_code == 422
    assert 0 < len(answer.json()["errors"]) <= 100
    assert len(answer.content) < 50_000


@pytest.mark.parametrize("announced", [True, False])
async def test_two_megabytes_are_a_413(api, announced):
    piece = b" " * 65_536

    async def chunks():
        for _ in range(32):
            yield piece

    content = piece * 32 if announced else chunks()
    answer = await api.post("/clients", content=content, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert "1048576" in answer.json()["detail"]
    assert ("transfer-encoding" in answer.request.headers) is not announced


async def test_body_of_exactly_the_limit_is_read(api):
    body = b'{"name": "Ana"}'.ljust(1_048_576)
    assert (await post(api, body)).status_code == 201
    assert (await post(api, body + b" ")).status_code == 413


async def test_lying_content_length_does_not_pass(app, firm):
    """A server hands over what came; the announced length alone is not believed."""
    sent = [b'{"name": "Ana"}'.ljust(600_000), b" " * 600_000]
    answers = []

    async def receive():
        return {"type": "http.request", "body": sent.pop(0), "more_body": bool(sent)}

    async def send(message):
        answers.append(message)

    headers = {b"authorization": f"Bearer {firm.key}".encode(), b"content-length": b"15", **_ascii(JSON)}
    scope = {
        "type": "http", "method": "POST", "path": "/v1/servicios/clients", "raw_path": b"",
        "query_string": b"", "headers": list(headers.items()),
        "client": ("203.0.113.7", 1), "server": ("testserver", 80),
        "scheme": "http", "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)
    assert answers[0]["status"] == 413


def _ascii(headers: dict[str, str]) -> dict[bytes, bytes]:
    return {name.lower().encode(): value.encode() for name, value in headers.items()}


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/jsonx",
        "application/xml",
        "json",
        "",
        "application/",
    ],
)
async def test_other_content_types_are_a_415(api, kind):
    answer = await post(api, '{"name": "Ana"}', **{"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.headers["accept"] == "application/json"
    assert await stored(api) == []


@pytest.mark.parametrize(
    "kind",
    [
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/vnd.api+json",
        "application/json ;x=y",
    ],
)
async def test_spellings_of_json_are_accepted(api, kind):
    assert (await post(api, '{"name": "Ana"}', **{"Content-Type": kind})).status_code == 201


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*, text/*;q=0.5"])
async def test_other_formats_are_a_406(api, accept):
    for answer in (
        await api.get("/clients", headers={"Accept": accept}),
        await post(api, '{"name": "Ana"}', Accept=accept),
    ):
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert await stored(api) == []


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/*",
        "text/html, application/json;q=0.1",
        "text/html,*/*;q=0.8",
        "",
    ],
)
async def test_json_is_given_to_whoever_takes_it(api, accept):
    assert (await api.get("/clients", headers={"Accept": accept})).status_code == 200


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        (2**53 - 1, True),
        (-(2**53) + 1, True),
        (2**53, False),
        (2**53 + 1, False),
        (10**300, False),
        (1e300, False),
        (0.1, True),
        (-1.5, True),
        (True, True),
        ("x" * 500, True),
        ("x" * 501, False),
        ([1], False),
        ({"a": 1}, False),
        (None, False),
    ],
)
async def test_custom_values_are_kept_exactly_or_refused(api, value, accepted):
    """A number that a reader with floats would read as another is refused, not rounded."""
    answer = await post(api, json.dumps({"name": "Ana", "custom_fields": {"a": value}}))
    if accepted:
        assert answer.status_code == 201, answer.text
        kept = answer.json()["custom_fields"]["a"]
        assert (kept, type(kept)) == (value, type(value))
    else:
        assert answer.status_code == 422, answer.text
        assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
            ("/custom_fields/a", "invalid")
        ]


# --- the reader alone ---------------------------------------------------------------------------------

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
_numbers = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda children: st.lists(children) | st.dictionaries(_texts, children),
    max_leaves=20,
)


@given(_values, st.booleans())
def test_every_json_value_is_read_as_it_is(value, ascii_only):
    assert json_body.parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200) | _texts.map(str.encode))
def test_any_bytes_are_read_or_refused(body):
    with contextlib.suppress(MalformedRequest, ValidationFailed):
        value = json_body.parse(body)
        assert json_body.parse(json.dumps(value).encode()) == value
