"""The audit log, for owners: who did what in the firm, from where; filtered, in detail, and as CSV."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.responses import Response, StreamingResponse

from conecta.audit import service
from conecta.audit.schemas import AuditFilters
from conecta.audit.service import ACTIONS
from conecta.kit import clock
from conecta.kit.language import Text
from conecta.pages import lists
from conecta.pages.refusals import PageRefusal
from conecta.pages.web import Page, admin_page, page_router

from . import periods

router = page_router("/panel/audit")

# What the first part of an act's name is about.
GROUPS = {
    "sign_in": Text("Inicio de sesión", "Sign-in"),
    "sign_out": Text("Cierre de sesión", "Sign-out"),
    "session": Text("Sesiones", "Sessions"),
    "password": Text("Contraseñas", "Passwords"),
    "totp": Text("Códigos de un solo uso", "One-time codes"),
    "passkey": Text("Llaves de acceso", "Passkeys"),
    "recovery_codes": Text("Códigos de recuperación", "Recovery codes"),
    "recovery_code": Text("Uso de códigos de recuperación", "Use of recovery codes"),
    "member": Text("Equipo", "Team"),
    "invitation": Text("Invitaciones", "Invitations"),
    "api_key": Text("Claves de API", "API keys"),
    "webhook": Text("Webhooks", "Webhooks"),
    "oauth_app": Text("Aplicaciones OAuth", "OAuth applications"),
    "oauth_grant": Text("Accesos de aplicaciones", "Access of applications"),
    "tenant": Text("Firma", "Firm"),
    "clock": Text("Reloj de pruebas", "Test clock"),
    "client": Text("Clientes", "Clients"),
    "publishable_key": Text("Claves publicables", "Publishable keys"),
    "public_site": Text("Página pública", "Public page"),
    "review": Text("Reseñas", "Reviews"),
    "booking_links": Text("Enlaces de citas", "Links to bookings"),
    "calendar_feed": Text("Calendarios para suscribirse", "Calendar feeds"),
    "calendar_connection": Text("Calendarios conectados", "Connected calendars"),
    "calendar_event": Text("Citas en calendarios conectados", "Bookings in connected calendars"),
    "audit": Text("Auditoría", "Audit log"),
}

ACTOR_KINDS = {
    "user": Text("Miembro", "Member"),
    "firm": Text("Clave o aplicación", "Key or application"),
    "client": Text("Cliente", "Client"),
    "person": Text("Persona", "Person"),
    "operator": Text("Operador", "Operator"),
    "system": Text("Automático", "Automatic"),
}

# Where a row of the panel can be seen, by the prefix of its id.
_PLACES = {
    "key": "/panel/keys/",
    "whk": "/panel/webhooks/",
    "usr": "/panel/team/",
    "app": "/panel/apps/",
}


class ActionGroup(NamedTuple):
    """Acts of one kind, to choose from: the pattern of all, and each one."""

    label: Text
    pattern: str | None
    actions: Sequence[tuple[str, Text]]


async def owner_page(request: Request) -> Page:
    """Open a page for owners."""
    page = await admin_page(request)
    if page.person.role != "owner":
        raise PageRefusal(
            403,
            Text("No tienes acceso a la auditoría", "You have no access to the audit log"),
            Text(
                "Solo las personas titulares de la firma pueden verla.", "Only owners of the firm can see it."
            ),
        )
    return page


OwnerPage = Annotated[Page, Depends(owner_page)]


@router.get("")
async def list_entries(page: OwnerPage) -> Response:
    """Security-relevant acts, newest first."""
    filters = _filters(page)
    found = await service.list_entries(
        page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters
    )
    kept = [item for item in page.request.query_params.multi_items() if item[0] != "cursor"]
    return page.render(
        "panel/audit/list.html",
        entries=lists.listing(page, found),
        form=page.request.query_params,
        filtered=any(value for _, value in kept),
        groups=action_groups(),
        kinds=ACTOR_KINDS,
        export="/panel/audit/export" + (f"?{urlencode(kept)}" if kept else ""),
    )


@router.get("/export")
async def export_entries(page: OwnerPage) -> Response:
    """Everything that the filters leave, as CSV."""
    filters, person = _filters(page), page.person
    async with page.transaction() as session:
        await service.record(
            session,
            tenant_id=person.tenant_id,
            action="audit.exported",
            actor=service.actor_of(page.caller),
            details=filters.model_dump(mode="json", exclude_none=True, exclude={"sort"}),
        )
    pieces = service.export_csv(
        page.reads, tenant_id=person.tenant_id, filters=filters, language=page.language
    )
    name = f"{Text('auditoria', 'audit-log')}-{clock.real_now():%Y-%m-%d}.csv"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(pieces, headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/{entry_id}")
async def read_entry(page: OwnerPage, entry_id: str) -> Response:
    """One act with all that is known of it."""
    entry: dict[str, Any] = json.loads(
        await service.read_entry(page.reads, tenant_id=page.person.tenant_id, entry_id=entry_id)
    )
    prefix = (entry["target"] or "").partition("_")[0]
    return page.render(
        "panel/audit/detail.html",
        entry=entry,
        kinds=ACTOR_KINDS,
        place=_PLACES[prefix] + entry["target"] if prefix in _PLACES else None,
    )


def action_groups() -> list[ActionGroup]:
    """Return every act there is, by what it is about."""
    groups = []
    for name, label in GROUPS.items():
        actions = [(action, text) for action, text in ACTIONS.items() if action.partition(".")[0] == name]
        groups.append(ActionGroup(label, f"{name}.*" if len(actions) > 1 else None, actions))
    return groups


def _filters(page: Page) -> AuditFilters:
    return lists.filters(page, AuditFilters, periods.chosen(page))
