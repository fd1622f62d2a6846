"""What the firm knows of the client, and how the client's own access stands: sessions, apps, the way out."""

import json

from starlette.responses import Response

from conecta.audit import service as audit
from conecta.auth.scopes import SENTENCES
from conecta.clients import service as clients
from conecta.kit.errors import NotFound
from conecta.kit.language import Text
from conecta.oauth import service as oauth
from conecta.oauth.service import GrantShown
from conecta.pages.devices import describe
from conecta.pages.web import Page, page_router
from conecta.people.passkeys import service as passkeys
from conecta.people.passkeys.service import Owner
from conecta.sessions import service as sessions

from .page import PortalPage, who
from .words import TAX_ID_TYPES

router = page_router("/portal")

_HERE = "/portal/access"


@router.get("/details")
async def show_details(page: PortalPage) -> Response:
    """What the firm has written down about the client."""
    tenant_id, client_id = page.person.tenant_id, page.person.client_id or ""
    text, _ = await clients.read_client(page.reads, tenant_id=tenant_id, client_id=client_id)
    return page.render("portal/details.html", client=json.loads(text), tax_id_words=TAX_ID_TYPES)


@router.get("/access")
async def show_access(page: PortalPage) -> Response:
    """Where the client is signed in, and the apps that act for them."""
    return page.render(
        "portal/access.html",
        sessions=await sessions.list_of_client(page.database, **who(page)),
        passkeys=len(await passkeys.list_passkeys(page.database, owner=Owner(**who(page)))),
        grants=await _grants(page),
        sentences=SENTENCES,
        describe=describe,
    )


@router.post("/sessions/{session_id}/end")
async def end_session(page: PortalPage, session_id: str) -> Response:
    """End a session on another device."""
    await page.form()
    async with page.transaction(system=True) as session:
        if await sessions.revoke_of_client(session, session_id=session_id, **who(page)):
            await audit.record(
                session,
                tenant_id=page.person.tenant_id,
                action="session.revoked",
                actor=audit.actor_of(page.caller),
                target=session_id,
            )
    page.notice(Text("La sesión está cerrada.", "The session has ended."))
    return page.redirect(_HERE)


@router.post("/sign-out")
async def sign_out(page: PortalPage) -> Response:
    """End this session."""
    await page.form()
    person = page.person
    async with page.transaction(system=True) as session:
        await sessions.revoke_of_client(session, session_id=person.session_id, **who(page))
        await audit.record(
            session, tenant_id=person.tenant_id, action="sign_out", actor=audit.actor_of(page.caller)
        )
    page.notice(Text("Has cerrado la sesión.", "You have signed out."))
    response = page.redirect(f"/portal/{person.tenant_id}/sign-in")
    page.clear_session(response)
    return response


@router.get("/apps/{grant}/revoke")
async def ask_to_revoke(page: PortalPage, grant: str) -> Response:
    """Say what it means to take an app's permission back."""
    found = next((one for one in await _grants(page) if one.id == grant), None)
    if found is None:
        raise NotFound
    return page.render(
        "portal/confirm.html",
        title=Text("Retirar el permiso", "Take the permission back"),
        question=Text(
            "¿Retiras a {app} el permiso para actuar por ti?", "Take back {app}'s permission?"
        ).fill(app=found.app_name),
        consequences=[
            Text("Dejará de funcionar en un minuto como mucho.", "It stops working within a minute at most."),
            Text(
                "Si la necesitas otra vez, te volverá a pedir permiso.",
                "If you need it again, it will ask you again.",
            ),
        ],
        button=Text("Retirar el permiso", "Take the permission back"),
        back=_HERE,
    )


@router.post("/apps/{grant}/revoke")
async def revoke_app(page: PortalPage, grant: str) -> Response:
    """Take an app's permission back."""
    await page.form()
    actor = audit.actor_of(page.caller)
    async with page.transaction(system=True) as session:
        gone = await oauth.revoke_grant(session, grant_id=grant, actor=actor, **who(page))
    if gone:
        page.notice(Text("Permiso retirado.", "Permission taken back."))
    else:
        page.notice(Text("Ese permiso ya no existía.", "That permission was gone already."), kind="info")
    return page.redirect(_HERE)


async def _grants(page: Page) -> list[GrantShown]:
    return await oauth.list_grants_of_client(page.database, **who(page))
