"""API keys of the firm: list, create, replace, revoke. A secret is shown in one answer and never again."""

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.api_keys import service
from conecta.api_keys.schemas import ApiKeyCreate, ApiKeyFilters, ApiKeyRoll
from conecta.auth.scopes import SENTENCES, Scope
from conecta.kit.errors import FieldError, Problem, ValidationFailed
from conecta.kit.language import Text
from conecta.pages import forms, lists
from conecta.pages.web import AdminPage, Page, page_router

from .words import KEY_STATUS

router = page_router("/panel/keys")

GRACE = (
    ("0", Text("Al momento", "At once")),
    ("3600", Text("Dentro de 1 hora", "In 1 hour")),
    ("86400", Text("Dentro de 24 horas", "In 24 hours")),
    ("604800", Text("Dentro de 7 días", "In 7 days")),
)


@router.get("")
async def list_keys(page: AdminPage) -> Response:
    """Every key, newest first."""
    filters = lists.filters(page, ApiKeyFilters)
    found = await service.list_keys(page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters)
    return page.render("panel/keys/list.html", keys=lists.listing(page, found), status_words=KEY_STATUS)


@router.get("/new")
async def ask_for_key(page: AdminPage) -> Response:
    """The form of a new key."""
    return _form(page, {}, chosen=[], errors=None)


@router.post("")
async def create_key(page: AdminPage) -> Response:
    """Create a key and show it, once."""
    form = await page.form()

    async def make(session: AsyncSession) -> Response:
        wanted = forms.read(ApiKeyCreate, _values(form, page.person.time_zone))
        new = await service.create_key(
            session, page.database, page.keyring, caller=page.caller, wanted=wanted
        )
        return _created(page, new, old=None)

    try:
        return await page.once(form, make)
    except Problem as refusal:
        names = {"expires_at": "expires_on"}
        return _form(page, form, chosen=form.getlist("scopes"), errors=forms.errors_of(refusal, names))


@router.get("/{key_id}")
async def read_key(page: AdminPage, key_id: str) -> Response:
    """One key with its last use."""
    return await _detail(page, key_id, errors=None)


@router.post("/{key_id}/roll")
async def roll_key(page: AdminPage, key_id: str) -> Response:
    """Replace a key; the old one works for the time that was chosen."""
    form = await page.form()

    async def make(session: AsyncSession) -> Response:
        wanted = forms.read(ApiKeyRoll, {"grace_seconds": forms.whole_number(form, "grace_seconds")})
        new = await service.roll_key(session, page.keyring, caller=page.caller, key_id=key_id, wanted=wanted)
        return _created(page, new, old=key_id)

    try:
        return await page.once(form, make)
    except ValidationFailed as refusal:
        return await _detail(page, key_id, errors=forms.errors_of(refusal))
    except Problem as refusal:
        return page.back(refusal, f"/panel/keys/{key_id}")


@router.get("/{key_id}/revoke")
async def ask_to_revoke(page: AdminPage, key_id: str) -> Response:
    """Ask once more before a key is revoked."""
    key = json.loads(await service.read_key(page.reads, tenant_id=page.person.tenant_id, key_id=key_id))
    question = Text(
        "¿Seguro que quieres revocar la clave «{name}» ({hint})?",
        "Do you really want to revoke the key “{name}” ({hint})?",
    ).fill(name=key["name"], hint=key["hint"])
    consequences = [
        Text("Deja de funcionar al momento.", "It stops working at once."),
        Text(
            "No se puede deshacer: habrá que crear otra clave y cambiarla donde se use.",
            "It cannot be undone: you will have to create another key and put it where this one is used.",
        ),
    ]
    return page.render(
        "confirm.html",
        title=Text("Revocar la clave", "Revoke the key"),
        question=question,
        consequences=consequences,
        button=Text("Revocar la clave", "Revoke the key"),
        back=f"/panel/keys/{key['id']}",
    )


@router.post("/{key_id}/revoke")
async def revoke_key(page: AdminPage, key_id: str) -> Response:
    """Stop a key from working."""
    await page.form()
    async with page.transaction() as session:
        await service.revoke_key(session, caller=page.caller, key_id=key_id)
    page.notice(Text("La clave está revocada y ya no funciona.", "The key is revoked and no longer works."))
    return page.redirect(f"/panel/keys/{key_id}")


def _values(form: FormData, zone: str) -> dict[str, Any]:
    mode = form.get("mode")
    return {
        "name": form.get("name", ""),
        "scopes": form.getlist("scopes"),
        "mode": mode if isinstance(mode, str) and mode else None,
        "allowed_addresses": forms.lines(form, "allowed_addresses"),
        "expires_at": _end_of(form.get("expires_on"), zone),
    }


def _end_of(day: Any, zone: str) -> str | None:
    """Return the last second of a day in the firm's zone."""
    text = day.strip() if isinstance(day, str) else ""
    if not text:
        return None
    try:
        moment = datetime.combine(date.fromisoformat(text), time(23, 59, 59), ZoneInfo(zone))
    except ValueError:
        sentence = Text("Formato: 2026-12-31.", "Format: 2026-12-31.")
        raise ValidationFailed(errors=[FieldError("/expires_at", "type", str(sentence))]) from None
    return moment.isoformat()


def _form(
    page: Page, form: Mapping[str, Any], *, chosen: list[Any], errors: forms.FormErrors | None
) -> Response:
    scopes = [(scope.value, SENTENCES[scope], scope.value) for scope in Scope]
    return page.render(
        "panel/keys/new.html",
        status=errors.status if errors else 200,
        form=form,
        errors=errors,
        scopes=[row for row in scopes if row[0] != Scope.ADMIN],
        admin_scope=next(row for row in scopes if row[0] == Scope.ADMIN),
        chosen=chosen,
    )


def _created(page: Page, new: service.NewKey, *, old: str | None) -> Response:
    key = json.loads(new.json_text)
    return page.render(
        "panel/keys/created.html",
        key=key,
        secret=new.secret,
        old=old,
        elsewhere=key["mode"] == "test" and not page.person.sandbox,
        base_url=page.settings.base_url,
    )


async def _detail(page: Page, key_id: str, *, errors: forms.FormErrors | None) -> Response:
    key = json.loads(await service.read_key(page.reads, tenant_id=page.person.tenant_id, key_id=key_id))
    return page.render(
        "panel/keys/detail.html",
        status=errors.status if errors else 200,
        key=key,
        errors=errors,
        status_words=KEY_STATUS,
        sentences={scope.value: text for scope, text in SENTENCES.items()},
        grace=GRACE,
    )
