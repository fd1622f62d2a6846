"""The request log: every call of the firm's credentials for 30 days, filtered, in detail, and as curl."""

import json
from typing import Any

from starlette.responses import Response

from conecta.api_keys import service as api_keys
from conecta.api_keys.schemas import ApiKeyFilters
from conecta.kit.language import Text
from conecta.kit.routing import API_PREFIX
from conecta.pages import lists
from conecta.pages.web import AdminPage, Page, page_router
from conecta.requests import service
from conecta.requests.schemas import RequestFilters

from . import periods

router = page_router("/panel/requests")

STATUSES = (
    ("", Text("Cualquiera", "Any")),
    ("2xx", Text("2xx · Bien", "2xx · Fine")),
    ("4xx", Text("4xx · Error de quien llama", "4xx · The caller's error")),
    ("5xx", Text("5xx · Error nuestro", "5xx · Our error")),
    ("429", Text("429 · Demasiadas llamadas", "429 · Too many calls")),
)
METHODS = (
    ("", Text("Cualquiera", "Any")),
    *((name, Text(name, name)) for name in ("GET", "POST", "PATCH", "PUT", "DELETE")),
)
CALLERS = {
    "firm": Text("La firma", "The firm"),
    "user": Text("Un miembro, por una aplicación", "A member, by an application"),
    "client": Text("Un cliente, por una aplicación", "A client, by an application"),
    "visitor": Text("Una visita de la web", "A visitor of the website"),
}
_MOST_KEYS = 100


@router.get("")
async def list_requests(page: AdminPage) -> Response:
    """Calls, newest first."""
    tenant_id, query = page.person.tenant_id, page.request.query_params
    also = {
        **periods.chosen(page),
        "path": _whole_path(query.get("path", "")),
        "request_id": query.get("request_id", "").strip(),
    }
    filters = lists.filters(page, RequestFilters, also)
    found = await service.list_requests(page.reads, page.pager, tenant_id=tenant_id, filters=filters)
    return page.render(
        "panel/requests/list.html",
        calls=lists.listing(page, found),
        form=query,
        more_filters=any(query.get(name) for name in ("credential_id", "from", "to", "request_id")),
        filtered=any(value for name, value in query.items() if name != "cursor"),
        statuses=STATUSES,
        methods=METHODS,
        prefix=API_PREFIX,
        credentials=await _credentials(page, query.get("credential_id", "")),
        kind_of=kind_of,
    )


@router.get("/{request_id}")
async def read_request(page: AdminPage, request_id: str) -> Response:
    """One call: what was sent, and what was refused."""
    call: dict[str, Any] = json.loads(
        await service.read_request(page.reads, tenant_id=page.person.tenant_id, request_id=request_id)
    )
    return page.render(
        "panel/requests/detail.html",
        call=call,
        curl=service.as_curl(call, base_url=page.settings.base_url),
        callers=CALLERS,
        kind_of=kind_of,
    )


def kind_of(status: int) -> str:
    """Return the kind of badge that shows a status."""
    if status >= 500:
        return "danger"
    return "warning" if status >= 400 else "success"


def _whole_path(typed: str) -> str:
    """Return the path that somebody means who writes `cases` or `/v1/servicios/cases`."""
    path = typed.strip()
    return f"{API_PREFIX}/{path}" if path and not path.startswith("/") else path


async def _credentials(page: Page, chosen: str) -> list[tuple[str, str]]:
    """Return the firm's keys to choose from, and the chosen credential whatever it is."""
    filters = ApiKeyFilters(limit=_MOST_KEYS)
    found = await api_keys.list_keys(page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters)
    keys = [json.loads(row) for row in found.rows]
    options = [
        ("", str(Text("Cualquiera", "Any"))),
        *((key["id"], f"{key['name']} · {key['hint']}") for key in keys),
    ]
    if chosen and chosen not in {value for value, _ in options}:
        options.append((chosen, chosen))
    return options
