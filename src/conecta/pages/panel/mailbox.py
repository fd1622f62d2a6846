"""The test mailbox: what the firm would have sent. A mail's HTML stands in a frame that may do nothing."""

import base64
import json
from typing import Any

from starlette.responses import HTMLResponse, Response

from conecta.kit.errors import NotFound
from conecta.kit.language import Text
from conecta.messages import service
from conecta.messages.schemas import MessageFilters
from conecta.pages import lists
from conecta.pages.web import AdminPage, Page, page_router

from .words import MESSAGE_STATUS

router = page_router("/panel/messages")

# The mail's own styles stand in it; scripts, forms, pictures from elsewhere and any way out do not work.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self';"
    " base-uri 'none'; form-action 'none'"
)


@router.get("")
async def list_messages(page: AdminPage) -> Response:
    """Mail of the firm, or of its sandbox, newest first."""
    delivers = page.settings.delivers
    found = await service.list_messages(
        page.reads,
        page.pager,
        tenant_id=page.person.tenant_id,
        filters=lists.filters(page, MessageFilters),
        delivers=delivers,
    )
    return page.render(
        "panel/messages.html",
        messages=lists.listing(page, found),
        status_words=MESSAGE_STATUS,
        delivers="mail" in delivers and not page.person.sandbox,
        form=page.request.query_params,
        statuses=[
            ("", Text("Cualquiera", "Any")),
            *((name, word.text) for name, word in MESSAGE_STATUS.items()),
        ],
    )


@router.get("/{message_id}")
async def read_message(page: AdminPage, message_id: str) -> Response:
    """One mail."""
    message = await _message(page, message_id)
    return page.render("panel/message.html", message=message, status_words=MESSAGE_STATUS)


@router.get("/{message_id}/html")
async def read_html(page: AdminPage, message_id: str) -> Response:
    """The mail itself, for the frame on its page."""
    message = await _message(page, message_id)
    if not message["html"]:
        raise NotFound
    headers = {
        "Content-Security-Policy": _MAIL_POLICY,
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(message["html"], headers=headers)


@router.get("/{message_id}/files/{number}")
async def read_file(page: AdminPage, message_id: str, number: int) -> Response:
    """A file that the mail carries, to be saved."""
    files = (await _message(page, message_id))["attachments"] or []
    if not 1 <= number <= len(files):
        raise NotFound
    # The browser saves it under the name that the link gives it, and never opens it on our pages.
    headers = {
        "Content-Disposition": "attachment",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    content = base64.b64decode(files[number - 1]["content"])
    return Response(content, media_type="application/octet-stream", headers=headers)


async def _message(page: Page, message_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        await service.read_message(
            page.reads,
            page.keyring,
            tenant_id=page.person.tenant_id,
            message_id=message_id,
            delivers=page.settings.delivers,
        )
    )
    return found
