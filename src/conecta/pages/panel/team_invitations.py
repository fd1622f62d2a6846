"""Invitations to the team: send, send again, take back. Who answers the link is in the account's pages."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from conecta.kit.errors import Problem
from conecta.kit.language import Text
from conecta.pages import forms, lists
from conecta.pages.consent_view import ROLES
from conecta.pages.web import AdminPage, Page, page_router
from conecta.users.errors import DuplicateUser
from conecta.users.invitations import service
from conecta.users.invitations.schemas import InvitationCreate, InvitationFilters

from .team import ROLE_CHOICES, refuse_owners_business
from .words import INVITATION_STATUS

router = page_router("/panel/team")

_ALREADY_MEMBER = Text("Ya es miembro de la firma.", "They are a member of the firm already.")


@router.get("/invitations")
async def list_invitations(page: AdminPage) -> Response:
    """Every invitation, answered and expired ones too, newest first."""
    filters = lists.filters(page, InvitationFilters)
    found = await service.list_invitations(
        page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters
    )
    return page.render(
        "panel/team/invitations.html",
        invitations=lists.listing(page, found),
        roles=ROLES,
        status_words=INVITATION_STATUS,
    )


@router.get("/invite")
async def ask_whom(page: AdminPage) -> Response:
    """The form of a new invitation."""
    return _form(page, {"role": "provider"}, errors=None)


@router.post("/invite")
async def invite(page: AdminPage) -> Response:
    """Mail somebody a link to join."""
    form = await page.form()

    async def make(session: AsyncSession) -> Response:
        refuse_owners_business(page, form.get("role"))
        values = {name: form.get(name) for name in ("name", "email", "role")}
        wanted = forms.read(InvitationCreate, values)
        return await _send(page, session, wanted)

    try:
        return await page.once(form, make)
    except DuplicateUser as refusal:
        return _form(page, form, errors=forms.one_error("email", _ALREADY_MEMBER), status=refusal.status)
    except Problem as refusal:
        return _form(page, form, errors=forms.errors_of(refusal), status=refusal.status)


@router.post("/invitations/{invitation_id}/resend")
async def invite_again(page: AdminPage, invitation_id: str) -> Response:
    """Mail a fresh link in place of the one before."""
    form = await page.form()
    old = await _invitation(page, invitation_id)

    async def make(session: AsyncSession) -> Response:
        refuse_owners_business(page, old["role"])
        wanted = InvitationCreate(name=old["name"], email=old["email"], role=old["role"])
        return await _send(page, session, wanted)

    try:
        return await page.once(form, make)
    except Problem as refusal:
        return page.back(refusal, "/panel/team")


@router.get("/invitations/{invitation_id}/revoke")
async def ask_to_revoke(page: AdminPage, invitation_id: str) -> Response:
    """Ask once more before an invitation is taken back."""
    invitation = await _invitation(page, invitation_id)
    question = Text(
        "¿Seguro que quieres retirar la invitación a {name} ({email})?",
        "Do you really want to take back the invitation of {name} ({email})?",
    ).fill(name=invitation["name"], email=invitation["email"])
    return page.render(
        "confirm.html",
        title=Text("Retirar la invitación", "Take back the invitation"),
        question=question,
        consequences=[
            Text("El enlace que recibió deja de funcionar.", "The link they received stops working.")
        ],
        button=Text("Retirar la invitación", "Take back the invitation"),
        back="/panel/team",
    )


@router.post("/invitations/{invitation_id}/revoke")
async def revoke_invitation(page: AdminPage, invitation_id: str) -> Response:
    """Take an invitation back."""
    await page.form()
    try:
        async with page.transaction() as session:
            await service.revoke_invitation(session, caller=page.caller, invitation_id=invitation_id)
    except Problem as refusal:
        return page.back(refusal, "/panel/team")
    page.notice(Text("La invitación está retirada.", "The invitation is taken back."))
    return page.redirect("/panel/team")


async def _send(page: Page, session: AsyncSession, wanted: InvitationCreate) -> Response:
    await service.invite(
        session, page.keyring, caller=page.caller, wanted=wanted, base_url=page.settings.base_url
    )
    if page.person.sandbox or page.settings.smtp_url is None:
        page.notice(
            Text(
                "La invitación a {email} está en el buzón de pruebas: de aquí no sale ningún correo.",
                "The invitation of {email} is in the test mailbox: no mail leaves from here.",
            ).fill(email=wanted.email),
            kind="info",
        )
    else:
        page.notice(
            Text("La invitación va camino de {email}.", "The invitation is on its way to {email}.").fill(
                email=wanted.email
            )
        )
    return page.redirect("/panel/team")


async def _invitation(page: Page, invitation_id: str) -> dict[str, Any]:
    text = await service.read_invitation(
        page.reads, tenant_id=page.person.tenant_id, invitation_id=invitation_id
    )
    found: dict[str, Any] = json.loads(text)
    return found


def _form(
    page: Page, form: Mapping[str, Any], *, errors: forms.FormErrors | None, status: int = 200
) -> Response:
    roles = [choice for choice in ROLE_CHOICES if choice[0] != "owner" or page.person.role == "owner"]
    return page.render("panel/team/invite.html", status=status, form=form, errors=errors, roles=roles)
