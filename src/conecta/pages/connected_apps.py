"""The apps that a person has let act for them: what each may do, when it last did, and the way out."""

from starlette.responses import Response

from conecta.audit.service import Actor
from conecta.auth.scopes import SENTENCES
from conecta.kit.errors import NotFound
from conecta.kit.language import Text
from conecta.oauth import service as oauth
from conecta.oauth.service import GrantShown

from .web import Page, PersonPage, page_router

router = page_router("/account/apps")

_HERE = "/account/apps"


@router.get("")
async def list_apps(page: PersonPage) -> Response:
    """Show every app with a live permission, in whatever firm."""
    grants = await _grants(page)
    return page.render("account/apps.html", grants=grants, sentences=SENTENCES)


@router.get("/{grant}/revoke")
async def ask_to_revoke(page: PersonPage, grant: str) -> Response:
    """Say what it means to take the permission back."""
    found = next((one for one in await _grants(page) if one.id == grant), None)
    if found is None:
        raise NotFound
    question = Text(
        "¿Retiras a {app} el permiso para actuar por ti en {firm}?",
        "Take back {app}'s permission to act for you at {firm}?",
    ).fill(app=found.app_name, firm=found.tenant_name)
    consequences = (
        Text(
            "Dejará de funcionar en un minuto como mucho, también lo que tenga a medias.",
            "It stops working within a minute, also what it has under way.",
        ),
        Text(
            "Lo que ya hizo o copió se queda como está.",
            "What it has already done or copied stays as it is.",
        ),
        Text(
            "Si lo necesitas otra vez, te volverá a pedir permiso.",
            "If you need it again, it will ask you again.",
        ),
    )
    return page.render(
        "confirm.html",
        title=Text("Retirar el permiso", "Take the permission back"),
        question=question,
        consequences=consequences,
        button=Text("Retirar el permiso", "Take the permission back"),
        back=_HERE,
    )


@router.post("/{grant}/revoke")
async def revoke(page: PersonPage, grant: str) -> Response:
    """Take a permission back."""
    await page.form()
    person = page.person
    actor = Actor("person", person.person_id, person.name)
    async with page.transaction(system=True) as session:
        gone = await oauth.revoke_grant(session, grant_id=grant, actor=actor, person_id=person.person_id)
    if gone:
        page.notice(Text("Permiso retirado.", "Permission taken back."))
    else:
        page.notice(Text("Ese permiso ya no existía.", "That permission was gone already."), kind="info")
    return page.redirect(_HERE)


async def _grants(page: Page) -> list[GrantShown]:
    assert page.person.person_id is not None
    return await oauth.list_grants_of_person(page.database, person_id=page.person.person_id)
