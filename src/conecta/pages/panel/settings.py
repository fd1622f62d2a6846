"""Settings of the firm: its identity, language, zone, form of case numbers, who of its clients signs in."""

import json
import zoneinfo
from collections.abc import Mapping
from functools import cache
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.kit.errors import PreconditionFailed, Problem
from conecta.kit.etags import Precondition, etag
from conecta.kit.language import Text
from conecta.pages import forms
from conecta.pages.web import AdminPage, Page, page_router
from conecta.tenants import service
from conecta.tenants.schemas import TenantUpdate

from .words import CHANGED_MEANWHILE, PLANS

router = page_router("/panel/settings")

LANGUAGES = (("es", Text("Español", "Spanish")), ("en", Text("Inglés", "English")))

CLIENT_ACCESS = (
    ("off", Text("Nadie", "Nobody"), Text("El portal está cerrado.", "The portal is closed.")),
    (
        "invitation",
        Text("Quien la firma invite", "Whom the firm invites"),
        Text("Cada cliente entra cuando alguien le invita.", "Each client comes in once they are invited."),
    ),
    (
        "self_service",
        Text("Cualquier cliente activo", "Every active client"),
        Text(
            "Pide un enlace con su correo, el que consta en su ficha.",
            "They ask for a link with the address on their record.",
        ),
    ),
)

_OWN_ZONES = ("Europe/Madrid", "Atlantic/Canary", "Africa/Ceuta")
_CONTINENTS = (
    "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


@router.get("")
async def read_settings(page: AdminPage) -> Response:
    """The firm's settings, in a form."""
    tenant, version = await _tenant(page)
    return _form(page, tenant, tenant, version=version, errors=None)


@router.post("")
async def save_settings(page: AdminPage) -> Response:
    """Save what the form says."""
    form = await page.form()
    try:
        wanted = forms.read(TenantUpdate, _values(form))
        async with page.transaction() as session:
            await service.update_tenant(
                session,
                caller=page.caller,
                wanted=wanted,
                precondition=Precondition(etag(str(form.get("version", "")))),
            )
    except Problem as refusal:
        tenant, version = await _tenant(page)
        changed = isinstance(refusal, PreconditionFailed)
        errors = forms.FormErrors(general=[str(CHANGED_MEANWHILE)]) if changed else forms.errors_of(refusal)
        known = version if changed else str(form.get("version", ""))
        return _form(page, tenant, form, version=known, errors=errors, status=refusal.status)
    page.notice(Text("Los ajustes están guardados.", "The settings are saved."))
    return page.redirect("/panel/settings")


async def _tenant(page: Page) -> tuple[dict[str, Any], int]:
    text, version = await service.read_tenant(page.reads, tenant_id=page.person.tenant_id)
    return json.loads(text), version


def _values(form: FormData) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: form[name] for name in TenantUpdate.model_fields if isinstance(form.get(name), str)
    }
    if "tax_id" in values:
        values["tax_id"] = values["tax_id"].strip() or None
    return values


def _form(
    page: Page,
    tenant: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    version: int | str,
    errors: forms.FormErrors | None,
    status: int = 200,
) -> Response:
    return page.render(
        "panel/settings/form.html",
        status=status,
        tenant=tenant,
        form=values,
        version=version,
        errors=errors,
        languages=LANGUAGES,
        zones=[(zone, zone.replace("_", " ")) for zone in _zones()],
        client_access=CLIENT_ACCESS,
        plan=PLANS[tenant["plan"]],
    )


@cache
def _zones() -> tuple[str, ...]:
    """Return the zones to choose from, those of Spain first."""
    named = (zone for zone in zoneinfo.available_timezones() if zone.partition("/")[0] in _CONTINENTS)
    return (*_OWN_ZONES, *sorted({*named, "UTC"} - {*_OWN_ZONES}))
