"""Where a provider sends a member back to, who let us into their calendars or did not."""

from starlette.responses import Response

from conecta.calendars import service
from conecta.kit.language import Text

from .refusals import PageRefusal
from .web import VisitorPage, page_router

router = page_router("/calendars/callback")


@router.get("/{provider}")
async def come_back(page: VisitorPage, provider: str) -> Response:
    """Take the code, and say whose calendars are connected now."""
    asked = page.request.query_params
    code, state = asked.get("code", ""), asked.get("state", "")
    if not code:
        raise _failed(
            Text(
                "No has dado acceso a tus calendarios. No se ha conectado nada.",
                "You gave no access to your calendars. Nothing was connected.",
            )
        )
    setup = service.Setup(page.database, page.keyring, page.settings)
    try:
        account = await service.connect(setup, provider_name=provider, state=state, code=code)
    except service.ConnectingFailed as failure:
        raise _failed(failure.text) from None
    return page.render("people/calendar_connected.html", account=account)


def _failed(detail: Text) -> PageRefusal:
    return PageRefusal(
        400, Text("No se ha conectado el calendario", "The calendar was not connected"), detail
    )
