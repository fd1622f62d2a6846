"""The secret of a webhook, changed step by step: get a new one, install it, and only then drop the old."""

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from conecta.kit import clock
from conecta.kit.errors import Problem
from conecta.kit.language import Text
from conecta.pages import forms
from conecta.pages.web import AdminPage, page_router
from conecta.webhooks import service
from conecta.webhooks.schemas import SecretRotate

from .webhooks import ANY_VERSION, read_endpoint

router = page_router("/panel/webhooks/{endpoint_id}/secret")

GRACE = (
    ("86400", Text("24 horas", "24 hours")),
    ("259200", Text("3 días", "3 days")),
    ("604800", Text("7 días", "7 days")),
    ("3600", Text("1 hora", "1 hour")),
)


@router.get("")
async def read_secret(page: AdminPage, endpoint_id: str) -> Response:
    """Where the change of the secret stands."""
    endpoint = await read_endpoint(page, endpoint_id)
    return page.render("panel/webhooks/secret.html", endpoint=endpoint, secret=None, grace=GRACE)


@router.post("/rotate")
async def rotate_secret(page: AdminPage, endpoint_id: str) -> Response:
    """Step one: make a new secret and show it, once."""
    form = await page.form()

    async def make(session: AsyncSession) -> Response:
        endpoint = await read_endpoint(page, endpoint_id)
        secret, ends_at = await service.rotate_secret(
            session,
            page.keyring,
            caller=page.caller,
            endpoint_id=endpoint_id,
            wanted=forms.read(SecretRotate, {"grace_seconds": forms.whole_number(form, "grace_seconds")}),
            precondition=ANY_VERSION,
        )
        rotating = {**endpoint, "rotation": {"ends_at": clock.wire(ends_at)}}
        return page.render("panel/webhooks/secret.html", endpoint=rotating, secret=secret, grace=GRACE)

    try:
        return await page.once(form, make)
    except Problem as refusal:
        return page.back(refusal, f"/panel/webhooks/{endpoint_id}/secret")


@router.post("/promote")
async def promote_secret(page: AdminPage, endpoint_id: str) -> Response:
    """Step three: the new secret is the only one."""
    await page.form()
    shown_at = f"/panel/webhooks/{endpoint_id}/secret"
    try:
        async with page.transaction() as session:
            await service.promote_secret(
                session, caller=page.caller, endpoint_id=endpoint_id, precondition=ANY_VERSION
            )
    except Problem as refusal:
        return page.back(refusal, shown_at)
    page.notice(
        Text("El secreto nuevo es ya el único que firma.", "The new secret is now the only one that signs.")
    )
    return page.redirect(shown_at)


@router.post("/cancel")
async def cancel_rotation(page: AdminPage, endpoint_id: str) -> Response:
    """Keep the old secret after all."""
    await page.form()
    shown_at = f"/panel/webhooks/{endpoint_id}/secret"
    try:
        async with page.transaction() as session:
            await service.cancel_rotation(
                session, caller=page.caller, endpoint_id=endpoint_id, precondition=ANY_VERSION
            )
    except Problem as refusal:
        return page.back(refusal, shown_at)
    page.notice(
        Text(
            "Cambio cancelado: sigue firmando el secreto de siempre y el nuevo ya no vale.",
            "Change cancelled: the old secret goes on signing, and the new one is worth nothing.",
        )
    )
    return page.redirect(shown_at)
