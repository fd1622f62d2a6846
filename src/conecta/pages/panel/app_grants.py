"""Who has connected which application to the firm, and how to take that back."""

from starlette.responses import Response

from conecta.audit import service as audit
from conecta.kit.errors import NotFound
from conecta.kit.language import Text
from conecta.oauth import service
from conecta.oauth.service import GrantShown
from conecta.pages.web import AdminPage, Page, page_router

router = page_router("/panel/apps/grants")

SUBJECT_KINDS = {
    "person": Text("Miembro", "Member"),
    "client": Text("Cliente", "Client"),
}


@router.get("")
async def list_grants(page: AdminPage) -> Response:
    """Every access that is in force, newest first."""
    grants = await service.list_grants_of_tenant(page.database, tenant_id=page.person.tenant_id)
    return page.render("panel/apps/grants.html", grants=grants, subject_kinds=SUBJECT_KINDS)


@router.get("/{grant_id}/revoke")
async def ask_to_revoke(page: AdminPage, grant_id: str) -> Response:
    """Ask once more before an access is taken back."""
    grant = await _grant(page, grant_id)
    question = Text(
        "¿Seguro que quieres retirar el acceso de «{app}» en nombre de {who}?",
        "Do you really want to revoke the access of “{app}” in the name of {who}?",
    ).fill(app=grant.app_name, who=grant.subject_name)
    return page.render(
        "confirm.html",
        title=Text("Retirar el acceso", "Revoke the access"),
        question=question,
        consequences=[
            Text(
                "La aplicación deja de entrar en menos de un minuto.",
                "The application is out within a minute.",
            ),
            Text(
                "Quien la conectó puede volver a autorizarla cuando quiera.",
                "Whoever connected it may allow it again at any time.",
            ),
        ],
        button=Text("Retirar el acceso", "Revoke the access"),
        back="/panel/apps/grants",
    )


@router.post("/{grant_id}/revoke")
async def revoke_grant(page: AdminPage, grant_id: str) -> Response:
    """Take an access back."""
    await page.form()
    async with page.transaction(system=True) as session:
        revoked = await service.revoke_grant(
            session, grant_id=grant_id, actor=audit.actor_of(page.caller), tenant_id=page.person.tenant_id
        )
    if not revoked:
        raise NotFound
    page.notice(Text("El acceso está retirado.", "The access is revoked."))
    return page.redirect("/panel/apps/grants")


async def _grant(page: Page, grant_id: str) -> GrantShown:
    grants = await service.list_grants_of_tenant(page.database, tenant_id=page.person.tenant_id)
    for grant in grants:
        if grant.id == grant_id:
            return grant
    raise NotFound
