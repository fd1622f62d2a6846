"""Forms: only our own are taken, only from whom they were given to, and sending one twice acts once."""

import asyncio
import re

import pytest

from conecta.kit.errors import FieldError, ValidationFailed
from conecta.pages import forms
from conecta.pages.web import safe_next
from tests.pages.conftest import Browser, forms_of, new_browser, sign_in

KEY = {"name": "CRM", "scopes": ["read:cases"]}


async def names_of_keys(owner) -> list[str]:
    return re.findall(r'class="row-title"[^>]*>([^<]+)<', (await owner.get("/panel/keys")).text)


async def filled_in(owner) -> dict:
    page = await owner.get("/panel/keys/new")
    (form,) = [form for form in forms_of(page.text) if form.action == "/panel/keys"]
    return {**form.values, **KEY}


async def refused(owner, answer) -> bool:
    assert answer.status_code == 403
    assert "Este formulario ha caducado" in answer.text
    return "CRM" not in await names_of_keys(owner)


async def test_a_form_without_its_token_is_refused(owner):
    values = await filled_in(owner)
    for token in ("", "nonsense", values["csrf_token"][:-2] + "AA", "x" * 5000):
        assert await refused(owner, await owner.post("/panel/keys", {**values, "csrf_token": token}))
    del values["csrf_token"]
    assert await refused(owner, await owner.post("/panel/keys", values))


async def test_the_token_of_somebody_else_is_refused(app, owner, visitor, firm):
    async with new_browser(app, await sign_in(app, firm.id, firm.owner_id)) as client:
        values = await filled_in(Browser(client))  # the same person in another browser
    assert await refused(owner, await owner.post("/panel/keys", values))
    await visitor.get("/sign-in")
    signed_out = forms_of((await visitor.get("/sign-in")).text)[0].values
    assert await refused(owner, await owner.post("/panel/keys", {**values, **signed_out}))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver.evil.example"},
    ],
)
async def test_a_form_from_elsewhere_is_refused(owner, headers):
    answer = await owner.post("/panel/keys", await filled_in(owner), headers=headers)
    assert await refused(owner, answer)


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "http://testserver"}]
)
async def test_a_form_of_ours_is_taken_as_browsers_send_it(owner, headers):
    answer = await owner.post("/panel/keys", await filled_in(owner), headers=headers)
    assert answer.status_code == 200
    assert "CRM" in await names_of_keys(owner)


async def test_other_bodies_are_no_forms(owner):
    for body in (b'{"name": "CRM"}', b"\xff\xfe"):
        answer = await owner.client.post(
            "/panel/keys", content=body, headers={"Content-Type": "application/json"}
        )
        assert await refused(owner, answer)
    values = await filled_in(owner)
    answer = await owner.client.post(
        "/panel/keys", data={"csrf_token": values["csrf_token"]}, files={"name": ("x.txt", b"x")}
    )
    assert answer.status_code == 400
    assert "<html" in answer.text


async def test_characters_that_nobody_can_store_are_refused(owner):
    answer = await owner.post("/panel/keys", {**await filled_in(owner), "name": "CRM\x00"})
    assert answer.status_code == 400
    assert "NUL" in answer.text
    assert "CRM" not in await names_of_keys(owner)
    assert (await owner.get("/panel/messages?status=%00")).status_code == 400
    kept = await owner.post("/panel/keys", {**await filled_in(owner), "name": "<b>Ñandú</b> 🦤"})
    assert kept.status_code == 200
    assert "&lt;b&gt;Ñandú&lt;/b&gt; 🦤" in await names_of_keys(owner)


async def test_a_form_sent_twice_acts_once_and_answers_the_same(owner):
    values = await filled_in(owner)
    first = await owner.post("/panel/keys", values)
    second = await owner.post("/panel/keys", values)
    secret = re.compile(r"sk_live_cnt_\w+")
    assert first.status_code == second.status_code == 200
    assert secret.search(first.text)[0] == secret.search(second.text)[0]
    assert second.headers["cache-control"] == "no-store"
    assert second.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert (await names_of_keys(owner)).count("CRM") == 1


async def test_a_form_sent_many_times_at_once_acts_once(owner):
    values = await filled_in(owner)
    answers = await asyncio.gather(*(owner.post("/panel/keys", values) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({re.search(r"sk_live_cnt_\w+", answer.text)[0] for answer in answers}) == 1
    assert (await names_of_keys(owner)).count("CRM") == 1


async def test_a_form_that_was_corrected_is_a_new_one(owner):
    values = await filled_in(owner)
    wrong = await owner.post("/panel/keys", {**values, "name": ""})
    assert wrong.status_code == 422
    assert (await owner.post("/panel/keys", values)).status_code == 200
    assert (await owner.post("/panel/keys", {**values, "name": "ERP"})).status_code == 200
    assert sorted(await names_of_keys(owner))[:2] == ["CRM", "ERP"]


async def test_a_notice_is_shown_once(owner):
    await owner.send("/panel/webhooks/new", {"url": "http://127.0.0.1:9/x", "events": ["*"]})
    address = re.search(r"/panel/webhooks/whk_\w+", (await owner.get("/panel/webhooks")).text)[0]
    answer = await owner.send(f"{address}/edit", {"description": "CRM"})
    assert answer.status_code == 303
    assert "Cambios guardados." in (await owner.get(address)).text
    assert "Cambios guardados." not in (await owner.get(address)).text


async def test_a_forged_notice_is_not_shown(owner):
    owner.client.cookies.set("conecta_notice", "W3sia2luZCI6ImRhbmdlciIsInRleHQiOiJFdmlsIn1d")
    assert "Evil" not in (await owner.get("/panel/keys")).text


@pytest.mark.parametrize(
    "path", ["/panel", "/panel/keys?cursor=a%20b", "/oauth/authorize?client_id=x&state=/"]
)
def test_a_path_of_ours_may_be_gone_on_to(path):
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    ["", None, "panel", "//evil.example", "/\\evil.example", "/\t/evil.example", "\n/x", "https://evil.example",
     "/x\r\nSet-Cookie: a=b", "/" + "x" * 5000],
)  # fmt: skip
def test_nothing_else_may(path):
    assert safe_next(path) == "/panel"


def test_what_is_wrong_is_said_where_it_belongs():
    refusal = ValidationFailed(
        errors=[
            FieldError("/allowed_addresses/0", "invalid", "No."),
            FieldError("/allowed_addresses/1", "invalid", "No."),
            FieldError("/expires_at", "type", "Formato."),
            FieldError("", "one_of", "Una de las dos."),
        ]
    )
    errors = forms.errors_of(refusal, {"expires_at": "expires_on"})
    assert errors.at("allowed_addresses") == ["No."]
    assert errors.at("expires_on") == ["Formato."]
    assert errors.at("expires_at") == []
    assert errors.general == ["Una de las dos."]


def test_moments_are_read_in_the_firms_zone():
    read = {"a": "2026-07-01T10:00", "b": "2026-12-31T23:59:59", "c": "", "d": "gestern"}
    assert forms.local_moment(read, "a", "Europe/Madrid") == "2026-07-01T10:00:00+02:00"
    assert forms.local_moment(read, "b", "Atlantic/Canary") == "2026-12-31T23:59:59+00:00"
    assert forms.local_moment(read, "c", "Europe/Madrid") is None
    assert forms.local_moment(read, "d", "Europe/Madrid") == "gestern"
    with pytest.raises(ValidationFailed):
        forms.local_moment({"a": "2026-02-30T10:00"}, "a", "Europe/Madrid")
