"""The firm on the web: the address and words of its public page, and the keys of its own website."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.kit.errors import Problem
from conecta.kit.etags import Precondition
from conecta.kit.language import Text
from conecta.pages import forms, lists
from conecta.pages.web import AdminPage, Page, page_router
from conecta.website.keys import service as keys
from conecta.website.keys.schemas import PublishableKeyCreate, PublishableKeyFilters
from conecta.website.site import service as sites
from conecta.website.site.schemas import PublicSiteWrite

router = page_router("/panel/website")

_STATUS = {
    "active": (Text("Activa", "Active"), "success"),
    "revoked": (Text("Revocada", "Revoked"), "neutral"),
}

_TICKED = ("active", "shows_reviews", "asks_for_reviews")


@router.get("")
async def show_website(page: AdminPage) -> Response:
    """The public page's settings, and the publishable keys."""
    return await _shown(page)


@router.post("")
async def write_site(page: AdminPage) -> Response:
    """Change the public page."""
    form = await page.form()
    try:
        wanted = forms.read(PublicSiteWrite, _site_values(form))
        async with page.transaction() as session:
            await sites.write_site(
                session,
                caller=page.caller,
                wanted=wanted,
                precondition=Precondition(None),
                base_url=page.settings.base_url,
            )
    except Problem as refusal:
        return await _shown(page, site_form=form, site_errors=forms.errors_of(refusal))
    page.notice(Text("Cambios guardados.", "Changes saved."))
    return page.redirect("/panel/website")


@router.post("/keys")
async def create_key(page: AdminPage) -> Response:
    """Create a publishable key."""
    form = await page.form()

    async def make(session: AsyncSession) -> Response:
        values = {"name": str(form.get("name", "")), "origins": forms.lines(form, "origins")}
        wanted = forms.read(PublishableKeyCreate, values)
        await keys.create_key(session, caller=page.caller, wanted=wanted)
        return page.redirect("/panel/website")

    try:
        return await page.once(form, make)
    except Problem as refusal:
        return await _shown(page, key_form=form, key_errors=forms.errors_of(refusal))


@router.get("/keys/{key_id}/revoke")
async def ask_to_revoke(page: AdminPage, key_id: str) -> Response:
    """Ask once more before a key is revoked."""
    text, _ = await keys.read_key(page.reads, tenant_id=page.person.tenant_id, key_id=key_id)
    question = Text(
        "¿Seguro que quieres revocar la clave publicable «{name}»?",
        "Do you really want to revoke the publishable key “{name}”?",
    )
    return page.render(
        "confirm.html",
        title=Text("Revocar la clave publicable", "Revoke the publishable key"),
        question=question.fill(name=json.loads(text)["name"]),
        consequences=[
            Text(
                "La web que la lleve deja de mostrar la reserva y el formulario al momento.",
                "The website that carries it stops showing the booking and the form at once.",
            )
        ],
        button=Text("Revocar la clave publicable", "Revoke the publishable key"),
        back="/panel/website",
    )


@router.post("/keys/{key_id}/revoke")
async def revoke_key(page: AdminPage, key_id: str) -> Response:
    """Stop a key from working."""
    await page.form()
    async with page.transaction() as session:
        await keys.revoke_key(session, caller=page.caller, key_id=key_id)
    page.notice(Text("La clave está revocada y ya no funciona.", "The key is revoked and no longer works."))
    return page.redirect("/panel/website")


def _site_values(form: FormData) -> dict[str, Any]:
    texts = {name: str(form.get(name, "")).strip() or None for name in ("intro", "privacy_url")}
    ticked = {name: form.get(name) == "yes" for name in _TICKED}
    return {"slug": str(form.get("slug", "")), **texts, **ticked}


async def _shown(
    page: Page,
    *,
    site_form: Mapping[str, Any] | None = None,
    site_errors: forms.FormErrors | None = None,
    key_form: Mapping[str, Any] | None = None,
    key_errors: forms.FormErrors | None = None,
) -> Response:
    tenant, base_url = page.person.tenant_id, page.settings.base_url
    text, _ = await sites.read_site(page.reads, tenant_id=tenant, base_url=base_url)
    site = json.loads(text)
    filters = lists.filters(page, PublishableKeyFilters)
    found = await keys.list_keys(page.reads, page.pager, tenant_id=tenant, filters=filters)
    wrong = site_errors or key_errors
    # Whoever has no page yet finds it open; asking for reviews is for the firm to begin.
    usual = {"active", "shows_reviews"} if not site["slug"] else set()
    chosen = site | {name: "yes" if site[name] or name in usual else "" for name in _TICKED}
    return page.render(
        "panel/website.html",
        status=wrong.status if wrong else 200,
        site=site,
        site_form=chosen if site_form is None else site_form,
        site_errors=site_errors,
        keys=lists.listing(page, found),
        key_form=key_form or {},
        key_errors=key_errors,
        status_words=_STATUS,
        base_url=base_url,
    )
