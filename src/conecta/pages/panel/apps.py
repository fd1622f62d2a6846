"""OAuth apps that the firm has registered: list, register, change, new secret, delete."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.auth.roles import SCOPES_OF_CLIENT
from conecta.auth.scopes import SEED_SCOPES, SENTENCES
from conecta.kit.errors import NotFound, PreconditionFailed, Problem
from conecta.kit.etags import Precondition, etag
from conecta.kit.language import Text
from conecta.oauth import service as oauth
from conecta.oauth.apps import service
from conecta.oauth.apps.schemas import AppCreate, AppFilters, AppUpdate, SecretRotation
from conecta.pages import forms, lists
from conecta.pages.web import AdminPage, Page, page_router

from .words import APP_GRANT_TYPES, APP_KINDS, CHANGED_MEANWHILE

router = page_router("/panel/apps")

KIND_CHOICES = (
    (
        "confidential",
        APP_KINDS["confidential"],
        Text(
            "Se ejecuta en un servidor y allí guarda su secreto.",
            "It runs on a server and keeps its secret there.",
        ),
    ),
    (
        "public",
        APP_KINDS["public"],
        Text(
            "Se ejecuta en el navegador o en el teléfono: usa PKCE en lugar de un secreto.",
            "It runs in the browser or on a phone: it uses PKCE instead of a secret.",
        ),
    ),
)
AUDIENCES = (
    (
        "no",
        Text("Personas que trabajan en una firma", "People who work for a firm"),
        Text(
            "De esta firma o de cualquier otra que la autorice.", "For this firm or any other that allows it."
        ),
    ),
    (
        "yes",
        Text("Clientes de esta firma", "Clients of this firm"),
        Text("Cada cliente ve solo lo suyo.", "Each client sees only what is theirs."),
    ),
)
GRACE = (
    ("86400", Text("Dentro de 24 horas", "In 24 hours")),
    ("3600", Text("Dentro de 1 hora", "In 1 hour")),
    ("604800", Text("Dentro de 7 días", "In 7 days")),
    ("0", Text("Al momento", "At once")),
)
_SWITCHES = ("pkce_required", "dpop_required", "pushed_requests_required")
_TEXTS = ("name", "website", "logo")


@router.get("")
async def list_apps(page: AdminPage) -> Response:
    """The firm's apps, newest first."""
    filters = lists.filters(page, AppFilters)
    found = await service.list_apps(page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters)
    return page.render("panel/apps/list.html", apps=lists.listing(page, found), kinds=APP_KINDS)


@router.get("/new")
async def ask_for_app(page: AdminPage) -> Response:
    """The form of a new app."""
    form = {"kind": "confidential", "for_clients": "no"}
    return _form(page, form, chosen=_Chosen([], ["authorization_code", "refresh_token"]), errors=None)


@router.post("")
async def create_app(page: AdminPage) -> Response:
    """Register an app and show its secret, once."""
    form = await page.form()

    async def make(session: AsyncSession) -> Response:
        values = {**_values(form), "kind": form.get("kind"), "for_clients": form.get("for_clients") == "yes"}
        new = await service.create_app(
            session, page.keyring, caller=page.caller, wanted=forms.read(AppCreate, values)
        )
        return _created(page, new, grace=None)

    try:
        return await page.once(form, make)
    except Problem as refusal:
        return _form(page, form, chosen=_chosen(form), errors=forms.errors_of(refusal), status=refusal.status)


@router.get("/{app_id}")
async def read_app(page: AdminPage, app_id: str) -> Response:
    """One app: how it is reached, its secrets, and who has connected it."""
    return await _detail(page, app_id, errors=None)


@router.get("/{app_id}/edit")
async def ask_for_changes(page: AdminPage, app_id: str) -> Response:
    """The form of an app that exists."""
    app, version = await _app(page, app_id)
    form = {**app, "redirect_uris": "\n".join(app["redirect_uris"]), "version": version}
    form |= {name: "yes" if app[name] else "" for name in _SWITCHES}
    return _form(page, form, chosen=_Chosen(app["scopes"], app["grant_types"]), errors=None, app=app)


@router.post("/{app_id}/edit")
async def change_app(page: AdminPage, app_id: str) -> Response:
    """Change an app."""
    form = await page.form()
    app, version = await _app(page, app_id)
    values = _values(form)
    if app["kind"] == "public":
        values["pkce_required"] = True
    try:
        wanted = forms.read(AppUpdate, values)
        async with page.transaction() as session:
            precondition = Precondition(etag(str(form.get("version", ""))))
            await service.update_app(
                session, caller=page.caller, app_id=app_id, wanted=wanted, precondition=precondition
            )
    except PreconditionFailed as refusal:
        errors = forms.FormErrors(general=[str(CHANGED_MEANWHILE)])
        typed = {**form, "version": version}
        return _form(page, typed, chosen=_chosen(form), errors=errors, app=app, status=refusal.status)
    except Problem as refusal:
        errors = forms.errors_of(refusal)
        return _form(page, form, chosen=_chosen(form), errors=errors, app=app, status=refusal.status)
    page.notice(Text("La aplicación está actualizada.", "The application is updated."))
    return page.redirect(f"/panel/apps/{app['id']}")


@router.post("/{app_id}/rotate")
async def rotate_secret(page: AdminPage, app_id: str) -> Response:
    """Make a new secret and show it, once; the old one works for the time that was chosen."""
    form = await page.form()

    async def make(session: AsyncSession) -> Response:
        wanted = forms.read(SecretRotation, {"grace_seconds": forms.whole_number(form, "grace_seconds")})
        new = await service.rotate_secret(
            session, page.keyring, caller=page.caller, app_id=app_id, wanted=wanted
        )
        return _created(page, new, grace=wanted.grace_seconds)

    try:
        return await page.once(form, make)
    except NotFound:
        raise
    except Problem as refusal:
        return await _detail(page, app_id, errors=forms.errors_of(refusal), status=refusal.status)


@router.get("/{app_id}/delete")
async def ask_to_delete(page: AdminPage, app_id: str) -> Response:
    """Ask once more before an app is deleted."""
    app, _ = await _app(page, app_id)
    return page.render(
        "confirm.html",
        title=Text("Eliminar la aplicación", "Delete the application"),
        question=Text(
            "¿Seguro que quieres eliminar «{name}»?", "Do you really want to delete “{name}”?"
        ).fill(name=app["name"]),
        consequences=[
            Text(
                "Deja de funcionar en menos de un minuto, para todas las personas que la conectaron.",
                "It stops working within a minute, for everybody who connected it.",
            ),
            Text("No se puede deshacer.", "It cannot be undone."),
        ],
        button=Text("Eliminar la aplicación", "Delete the application"),
        back=f"/panel/apps/{app['id']}",
    )


@router.post("/{app_id}/delete")
async def delete_app(page: AdminPage, app_id: str) -> Response:
    """Delete an app."""
    await page.form()
    async with page.transaction() as session:
        await service.delete_app(session, caller=page.caller, app_id=app_id)
    page.notice(Text("La aplicación está eliminada.", "The application is deleted."))
    return page.redirect("/panel/apps")


class _Chosen:
    """What is ticked in the form."""

    def __init__(self, scopes: list[Any], grant_types: list[Any]) -> None:
        self.scopes, self.grant_types = scopes, grant_types


def _chosen(form: FormData) -> _Chosen:
    return _Chosen(form.getlist("scopes"), form.getlist("grant_types"))


def _values(form: FormData) -> dict[str, Any]:
    """Return what a form says of an app, whether it is new or not."""
    lines = str(form.get("redirect_uris", "")).splitlines()
    texts = {name: str(form.get(name, "")).strip() for name in _TEXTS}
    return {
        "name": texts["name"],
        "website": texts["website"] or None,
        "logo": texts["logo"] or None,
        "redirect_uris": [line.strip() for line in lines if line.strip()],
        "scopes": form.getlist("scopes"),
        "grant_types": form.getlist("grant_types"),
        **{name: form.get(name) == "yes" for name in _SWITCHES},
    }


async def _app(page: Page, app_id: str) -> tuple[dict[str, Any], int]:
    text, version = await service.read_app(page.reads, tenant_id=page.person.tenant_id, app_id=app_id)
    return json.loads(text), version


def _form(
    page: Page,
    form: Mapping[str, Any],
    *,
    chosen: _Chosen,
    errors: forms.FormErrors | None,
    app: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    scopes = [(scope.value, SENTENCES[scope], scope.value) for scope in SEED_SCOPES]
    if app and app["for_clients"]:
        scopes = [row for row in scopes if row[0] in SCOPES_OF_CLIENT]
    return page.render(
        "panel/apps/form.html",
        status=status,
        form=form,
        errors=errors,
        app=app,
        chosen=chosen,
        scopes=scopes,
        kinds=KIND_CHOICES,
        audiences=AUDIENCES,
        grant_types=APP_GRANT_TYPES,
    )


def _created(page: Page, new: service.NewApp, *, grace: int | None) -> Response:
    app = json.loads(new.json_text)
    return page.render(
        "panel/apps/created.html",
        app=app,
        secret=new.secret,
        grace=grace,
        try_it=_authorize_address(page, app),
    )


async def _detail(page: Page, app_id: str, *, errors: forms.FormErrors | None, status: int = 200) -> Response:
    app, _ = await _app(page, app_id)
    grants = await oauth.list_grants_of_tenant(page.database, tenant_id=page.person.tenant_id)
    word: Callable[[Any], Any] = {scope.value: text for scope, text in SENTENCES.items()}.__getitem__
    return page.render(
        "panel/apps/detail.html",
        status=status,
        app=app,
        errors=errors,
        kinds=APP_KINDS,
        grant_words={name: words for name, words, _ in APP_GRANT_TYPES},
        word=word,
        grants=[grant for grant in grants if grant.app_id == app["id"]],
        grace=GRACE,
        try_it=_authorize_address(page, app),
    )


def _authorize_address(page: Page, app: Mapping[str, Any]) -> str | None:
    """Return an address that a person may open to connect the app, when it is one for people."""
    if "authorization_code" not in app["grant_types"] or not app["redirect_uris"]:
        return None
    query = {
        "response_type": "code",
        "client_id": app["id"],
        "redirect_uri": app["redirect_uris"][0],
        "scope": " ".join(app["scopes"]),
        "state": "STATE",
    }
    if app["pkce_required"]:
        query |= {"code_challenge": "CODE_CHALLENGE", "code_challenge_method": "S256"}
    return f"{page.settings.base_url}/oauth/authorize?{urlencode(query, safe=':/')}"
