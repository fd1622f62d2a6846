"""Inquiries: what people who may not be clients yet ask, and what becomes of it."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.cases import service as cases
from conecta.cases.categories import service as categories
from conecta.cases.categories.schemas import CategoryFilters
from conecta.clients import service as clients
from conecta.clients.schemas import ClientFilters
from conecta.inquiries import service
from conecta.inquiries.schemas import InquiryConvert, InquiryFilters, InquiryUpdate
from conecta.kit import language
from conecta.kit.errors import PreconditionFailed, Problem
from conecta.kit.etags import Precondition, etag
from conecta.kit.language import Text
from conecta.kit.pages import MAX_LIMIT
from conecta.pages import forms, lists
from conecta.pages.forms import FormErrors
from conecta.pages.web import Page, PersonPage, page_router

from . import colleagues
from .words import Word

router = page_router("/panel/inquiries")

_HERE: Final = "/panel/inquiries"
_FOUND_CLIENTS: Final = 5
_NEW_CLIENT: Final = "new"
_STATUS: Final[Mapping[str, Word]] = {
    "new": Word(Text("Nueva", "New"), "info"),
    "converted": Word(Text("De un cliente", "A client's"), "success"),
    "closed": Word(Text("Cerrada", "Closed"), "neutral"),
    "spam": Word(Text("Spam", "Spam"), "danger"),
}
# The tabs of the list: what the address says, how the API filters, and how people call it.
_TABS: Final[Mapping[str, tuple[str | None, Text]]] = {
    "new": ("new", Text("Nuevas", "New")),
    "converted": ("converted", Text("De clientes", "Clients'")),
    "closed": ("closed", Text("Cerradas", "Closed")),
    "spam": ("spam", Text("Spam", "Spam")),
    "all": (None, Text("Todas menos spam", "All but spam")),
}
_SOURCES: Final[Mapping[str, Text]] = {
    "api": Text("Un programa de la firma", "A program of the firm"),
    "page": Text("La página pública del despacho", "The firm's public page"),
    "widget": Text("El formulario en tu web", "The form on your website"),
    "website": Text("Tu propia web", "Your own website"),
}
_LANGUAGES: Final = {"es": Text("español", "Spanish"), "en": Text("inglés", "English")}
_KINDS: Final = [("person", Text("Persona", "Person")), ("company", Text("Empresa", "Company"))]
_NO_CASE = Text("Sin expediente", "No case")
_NOBODY = Text("Nadie todavía", "Nobody yet")
_CHANGED = Text(
    "La consulta ha cambiado mientras la mirabas y no se ha hecho nada. Así está ahora.",
    "The inquiry changed while you were looking at it, and nothing was done. This is how it is now.",
)
_DONE: Final = {
    "new": Text("La consulta está abierta otra vez.", "The inquiry is open again."),
    "closed": Text("La consulta está cerrada.", "The inquiry is closed."),
    "spam": Text("La consulta está marcada como spam.", "The inquiry is marked as spam."),
}


@router.get("")
async def list_inquiries(page: PersonPage) -> Response:
    """Inquiries by their state, the newest first; the new ones unless told."""
    shown = page.request.query_params.get("show", "")
    shown = shown if shown in _TABS else "new"
    filters = lists.filters(page, InquiryFilters, status=_TABS[shown][0])
    found = await service.list_inquiries(
        page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters
    )
    return page.render(
        "panel/inquiries/list.html",
        inquiries=lists.listing(page, found),
        shown=shown,
        tabs=[(f"{_HERE}?show={name}", words, name == shown) for name, (_, words) in _TABS.items()],
        status_words=_STATUS,
    )


@router.get("/{inquiry_id}")
async def read_inquiry(page: PersonPage, inquiry_id: str) -> Response:
    """One inquiry."""
    inquiry = await _inquiry(page, inquiry_id)
    client = case = None
    if inquiry["client_id"]:
        text, _ = await clients.read_client(
            page.reads, tenant_id=page.person.tenant_id, client_id=inquiry["client_id"]
        )
        client = json.loads(text)
    if inquiry["case_id"]:
        text, _ = await cases.read_case(page.reads, caller=page.caller, case_id=inquiry["case_id"])
        case = json.loads(text)
    return page.render(
        "panel/inquiries/detail.html",
        inquiry=inquiry,
        client=client,
        case=case,
        status_words=_STATUS,
        source=_SOURCES[inquiry["source"]],
        spoken=_LANGUAGES[inquiry["language"]],
    )


@router.post("/{inquiry_id}/status")
async def set_status(page: PersonPage, inquiry_id: str) -> Response:
    """Close an inquiry, call it spam, or open it again."""
    form = await page.form()
    inquiry = await _inquiry(page, inquiry_id)
    try:
        wanted = forms.read(InquiryUpdate, {"status": form.get("status")})
        async with page.transaction() as session:
            await service.update_inquiry(
                session,
                tenant_id=page.person.tenant_id,
                inquiry_id=inquiry["id"],
                wanted=wanted,
                precondition=_seen(form),
            )
    except Problem as refusal:
        return _refused(page, refusal, inquiry["id"])
    page.notice(_DONE[wanted.status or "new"])
    return page.redirect(f"{_HERE}/{inquiry['id']}")


@router.get("/{inquiry_id}/convert")
async def ask_for_client(page: PersonPage, inquiry_id: str) -> Response:
    """Ask who the author is as a client, and whether to open a case."""
    inquiry = await _inquiry(page, inquiry_id)
    if inquiry["status"] == "converted":
        return page.redirect(f"{_HERE}/{inquiry['id']}")
    form = {"kind": "person", "name": inquiry["name"], "title": inquiry["subject"] or ""}
    return await _asking(page, inquiry, form, errors=None)


@router.post("/{inquiry_id}/convert")
async def convert(page: PersonPage, inquiry_id: str) -> Response:
    """Make the author a client, new or known, and open a case if asked."""
    form = await page.form()
    inquiry = await _inquiry(page, inquiry_id)

    async def make(session: AsyncSession) -> Response:
        wanted = forms.read(InquiryConvert, _values(form))
        await service.convert_inquiry(
            session,
            caller=page.caller,
            inquiry_id=inquiry["id"],
            wanted=wanted,
            precondition=_seen(form),
        )
        page.notice(Text("La consulta ya es de un cliente.", "The inquiry is a client's now."))
        return page.redirect(f"{_HERE}/{inquiry['id']}")

    try:
        return await page.once(form, make)
    except Problem as refusal:
        if not refusal.errors:
            return _refused(page, refusal, inquiry["id"])
        return await _asking(page, inquiry, form, errors=_errors_of(refusal))


def _values(form: FormData) -> dict[str, Any]:
    texts = {name: str(form.get(name, "")).strip() or None for name in _FIELDS}
    chosen = str(form.get("client_id", ""))
    client = {name: texts[name] for name in ("kind", "name", "tax_id")}
    who = {"client": client | {"kind": client["kind"] or "person"}} if chosen == _NEW_CLIENT else {}
    case = {name: texts[name] for name in ("category", "title", "assigned_provider_id")}
    return {
        **(who or {"client_id": chosen}),
        **({"case": case} if texts["category"] else {}),
    }


_FIELDS = ("kind", "name", "tax_id", "category", "title", "assigned_provider_id")


def _errors_of(refusal: Problem) -> FormErrors:
    """Say at which field of the form a member of the body below `client` or `case` is."""
    by_field: dict[str, list[str]] = {}
    for error in refusal.errors:
        by_field.setdefault(error.pointer.rpartition("/")[2], []).append(error.message)
    general = [
        sentence for name in set(by_field) - {"client_id", *_FIELDS} for sentence in by_field.pop(name)
    ]
    return FormErrors(by_field, general, refusal.status)


async def _asking(
    page: Page, inquiry: dict[str, Any], form: Mapping[str, Any], *, errors: FormErrors | None
) -> Response:
    query = str(form.get("q") or page.request.query_params.get("q", "")).strip()[:200]
    known = await _known_clients(page, inquiry, query)
    likely = known[0]["id"] if known and (not query or len(known) == 1) else _NEW_CLIENT
    found = await categories.list_categories(
        page.reads,
        page.pager,
        tenant_id=page.person.tenant_id,
        filters=CategoryFilters(active=True, limit=MAX_LIMIT),
    )
    name = "name_en" if language.current() == "en" else "name_es"
    rows = [json.loads(row) for row in found.rows]
    people = colleagues.assignable(await colleagues.members(page))
    return page.render(
        "panel/inquiries/convert.html",
        status=errors.status if errors else 200,
        inquiry=inquiry,
        form=form,
        errors=errors,
        query=query,
        found_nobody=bool(query) and not known,
        choices=[
            (_NEW_CLIENT, Text("Es un cliente nuevo", "They are a new client"), ""),
            *(
                (client["id"], client["name"], " · ".join(filter(None, (client["email"], client["phone"]))))
                for client in known
            ),
        ],
        chosen=form.get("client_id") or likely,
        kinds=_KINDS,
        categories=[("", _NO_CASE), *((row["code"], row[name] or row["name_es"]) for row in rows)],
        people=[("", _NOBODY), *people],
    )


async def _known_clients(page: Page, inquiry: dict[str, Any], query: str) -> list[dict[str, Any]]:
    """Return the clients that the author may be: those with their address, or those that are looked for."""
    if len(query) > 1:
        filters = ClientFilters(q=query, limit=_FOUND_CLIENTS)
    elif inquiry["email"]:
        filters = ClientFilters(email=inquiry["email"], limit=_FOUND_CLIENTS)
    else:
        return []
    found = await clients.list_clients(
        page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters
    )
    return [json.loads(row) for row in found.rows]


async def _inquiry(page: Page, inquiry_id: str) -> dict[str, Any]:
    text, version = await service.read_inquiry(
        page.reads, tenant_id=page.person.tenant_id, inquiry_id=inquiry_id
    )
    return {**json.loads(text), "version": version}


def _seen(form: FormData) -> Precondition:
    return Precondition(etag(str(form.get("version", ""))))


def _refused(page: Page, refusal: Problem, inquiry_id: str) -> Response:
    if isinstance(refusal, PreconditionFailed):
        page.notice(_CHANGED, kind="warning")
        return page.redirect(f"{_HERE}/{inquiry_id}")
    return page.back(refusal, f"{_HERE}/{inquiry_id}")
