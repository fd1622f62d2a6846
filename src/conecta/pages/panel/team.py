"""The team: members with their roles, and the invitations of those who are to come."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from conecta.kit.errors import PreconditionFailed, Problem, ValidationFailed
from conecta.kit.etags import Precondition, etag
from conecta.kit.language import Text
from conecta.pages import forms, lists
from conecta.pages.consent_view import ROLES
from conecta.pages.web import AdminPage, Page, page_router
from conecta.users import service
from conecta.users.errors import LastOwner
from conecta.users.invitations import service as invitations
from conecta.users.invitations.schemas import InvitationFilters
from conecta.users.schemas import UserFilters, UserUpdate

from .words import INVITATION_STATUS

router = page_router("/panel/team")

_HINTS = {
    "owner": Text(
        "Todo, también la auditoría y nombrar titulares.", "Everything, the audit log and naming owners too."
    ),
    "admin": Text(
        "Todo lo demás: claves, webhooks, equipo y ajustes.",
        "All the rest: keys, webhooks, team and settings.",
    ),
    "provider": Text(
        "Lleva expedientes y citas; no administra la firma.",
        "Runs cases and bookings; does not administer the firm.",
    ),
    "assistant": Text(
        "Trabaja con expedientes y citas, pero no se le asignan.",
        "Works with cases and bookings, but is not put in charge of them.",
    ),
}
ROLE_CHOICES = [(role, words, _HINTS[role]) for role, words in ROLES.items()]

_CHANGED_MEANWHILE = Text(
    "Alguien ha cambiado a esta persona mientras tanto. Mira cómo está ahora y repite lo que falte.",
    "Somebody changed this person in the meantime. See how they are now and repeat what is missing.",
)
_LAST_OWNER = Text(
    "Es la única persona titular con acceso. Nombra antes a otra.",
    "They are the only owner with access. Name another one first.",
)


@router.get("")
async def list_team(page: AdminPage) -> Response:
    """Members, and invitations that wait for an answer."""
    filters = lists.filters(page, UserFilters)
    tenant_id = page.person.tenant_id
    found = await service.list_users(page.reads, page.pager, tenant_id=tenant_id, filters=filters)
    waiting = await invitations.list_invitations(
        page.reads, page.pager, tenant_id=tenant_id, filters=InvitationFilters(status="pending", limit=10)
    )
    return page.render(
        "panel/team/list.html",
        members=lists.listing(page, found),
        invitations=lists.listing(page, waiting),
        roles=ROLES,
        status_words=INVITATION_STATUS,
    )


@router.get("/{user_id}")
async def read_member(page: AdminPage, user_id: str) -> Response:
    """One member."""
    return await _detail(page, user_id, {}, errors=None)


@router.post("/{user_id}")
async def change_member(page: AdminPage, user_id: str) -> Response:
    """Change somebody's name or role."""
    form = await page.form()
    try:
        refuse_owners_business(page, (await _member(page, user_id))["role"], form.get("role"))
        wanted = forms.read(UserUpdate, {name: form.get(name) for name in ("name", "role")})
        await _update(page, user_id, wanted, Precondition(etag(str(form.get("version", "")))))
    except Problem as refusal:
        return await _detail(page, user_id, form, errors=_errors_of(refusal), status=refusal.status)
    page.notice(Text("El cambio está guardado.", "The change is saved."))
    return page.redirect("/panel/team")


@router.get("/{user_id}/deactivate")
async def ask_to_deactivate(page: AdminPage, user_id: str) -> Response:
    """Ask once more before somebody loses their access."""
    member = await _member(page, user_id)
    question = Text(
        "¿Seguro que quieres dar de baja a {name} ({email})?",
        "Do you really want to deactivate {name} ({email})?",
    ).fill(name=member["name"], email=member["email"])
    consequences = [
        Text("Deja de poder entrar en la firma al momento.", "They can no longer enter the firm, at once."),
        Text(
            "Las aplicaciones que conectó dejan de actuar en su nombre.",
            "The applications they connected stop acting in their name.",
        ),
        Text(
            "Sus expedientes y sus notas conservan su nombre. Puedes darle de alta otra vez cuando quieras.",
            "Their cases and notes keep their name. You can activate them again whenever you want.",
        ),
    ]
    return page.render(
        "confirm.html",
        title=Text("Dar de baja", "Deactivate"),
        question=question,
        consequences=consequences,
        button=Text("Dar de baja", "Deactivate"),
        back=f"/panel/team/{member['id']}",
    )


@router.post("/{user_id}/deactivate")
async def deactivate_member(page: AdminPage, user_id: str) -> Response:
    """Take somebody's access away."""
    return await _set_active(
        page,
        user_id,
        active=False,
        done=Text(
            "{name} está de baja y ya no puede entrar.", "{name} is deactivated and can no longer come in."
        ),
    )


@router.post("/{user_id}/activate")
async def activate_member(page: AdminPage, user_id: str) -> Response:
    """Give a former member their access back."""
    return await _set_active(
        page,
        user_id,
        active=True,
        done=Text("{name} vuelve a tener acceso.", "{name} has access again."),
    )


async def _set_active(page: Page, user_id: str, *, active: bool, done: Text) -> Response:
    await page.form()
    member = await _member(page, user_id)
    try:
        refuse_owners_business(page, member["role"])
        await _update(page, user_id, UserUpdate(active=active), Precondition(None))
    except Problem as refusal:
        return await _detail(page, user_id, {}, errors=_errors_of(refusal), status=refusal.status)
    page.notice(done.fill(name=member["name"]))
    return page.redirect(f"/panel/team/{member['id']}")


async def _update(page: Page, user_id: str, wanted: UserUpdate, precondition: Precondition) -> None:
    async with page.transaction() as session:
        await service.update_user(
            session,
            caller=page.caller,
            user_id=user_id,
            wanted=wanted,
            precondition=precondition,
        )


async def _member(page: Page, user_id: str) -> dict[str, Any]:
    text, version = await service.read_user(page.reads, tenant_id=page.person.tenant_id, user_id=user_id)
    return {**json.loads(text), "version": version}


def refuse_owners_business(page: Page, *roles: Any) -> None:
    """Raise ValidationFailed when one of the roles, before or after, is owner and the reader is none."""
    if page.person.role != "owner" and "owner" in roles:
        raise ValidationFailed.at(
            "/role",
            "not_allowed",
            Text(
                "Solo una persona titular puede nombrar, cambiar o dar de baja a titulares.",
                "Only an owner can name, change or deactivate owners.",
            ),
        )


def _errors_of(refusal: Problem) -> forms.FormErrors:
    if isinstance(refusal, PreconditionFailed):
        return forms.FormErrors(general=[str(_CHANGED_MEANWHILE)])
    if isinstance(refusal, LastOwner):
        return forms.FormErrors(general=[str(_LAST_OWNER)])
    return forms.errors_of(refusal)


async def _detail(
    page: Page, user_id: str, form: Mapping[str, Any], *, errors: forms.FormErrors | None, status: int = 200
) -> Response:
    member = await _member(page, user_id)
    return page.render(
        "panel/team/detail.html",
        status=status,
        member=member,
        form=form or member,
        errors=errors,
        roles=ROLE_CHOICES,
        role_words=ROLES,
        is_self=member["id"] == page.person.user_id,
    )
