"""Which of their firms, or which sandbox, somebody works in."""

from starlette.responses import Response

from conecta.kit.language import Text
from conecta.pages.consent_view import ROLES
from conecta.pages.web import PersonPage, page_router, safe_next
from conecta.sessions import service

router = page_router("/panel/firm")


@router.get("")
async def choose_firm(page: PersonPage) -> Response:
    """Every firm of the person, each with its sandbox."""
    firms = await service.firms_of(page.database, person_id=page.person.person_id or "")
    return page.render("panel/firm.html", firms=firms, roles=ROLES)


@router.post("")
async def switch_firm(page: PersonPage) -> Response:
    """Go on in another firm."""
    form = await page.form()
    async with page.transaction(system=True) as session:
        tenant_id = await service.switch_firm(
            session, signed_in=page.person, tenant_id=str(form.get("tenant_id", ""))
        )
    page.notice(
        _where(await service.firms_of(page.database, person_id=page.person.person_id or ""), tenant_id)
    )
    return page.redirect(safe_next(str(form.get("next", ""))))


def _where(firms: list[service.FirmChoice], tenant_id: str) -> Text:
    for firm in firms:
        if firm.sandbox_id == tenant_id:
            return Text(
                "Ahora trabajas en el entorno de pruebas de {name}.", "You now work in the sandbox of {name}."
            ).fill(name=firm.name)
        if firm.tenant_id == tenant_id:
            return Text("Ahora trabajas en {name}.", "You now work in {name}.").fill(name=firm.name)
    return Text("Has cambiado de firma.", "You have switched firm.")
