"""Reviews: what clients wrote about the firm, published or not, and answered in public."""

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.cases import service as cases
from conecta.clients import service as clients
from conecta.kit.errors import PreconditionFailed, Problem
from conecta.kit.etags import Precondition, etag
from conecta.kit.language import Text
from conecta.pages import forms, lists
from conecta.pages.forms import FormErrors
from conecta.pages.web import Page, PersonPage, page_router
from conecta.reviews import service
from conecta.reviews.schemas import ReviewFilters, ReviewReply

from .words import Word

router = page_router("/panel/reviews")

_HERE: Final = "/panel/reviews"
_STATUS: Final[Mapping[str, Word]] = {
    "requested": Word(Text("Pedida", "Asked for"), "info"),
    "pending": Word(Text("Por revisar", "To be checked"), "warning"),
    "published": Word(Text("Publicada", "Published"), "success"),
    "rejected": Word(Text("No publicada", "Not published"), "neutral"),
}
# The tabs of the list: what the address says, and how people call it.
_TABS: Final[Mapping[str, Text]] = {
    "pending": Text("Por revisar", "To be checked"),
    "published": Text("Publicadas", "Published"),
    "rejected": Text("No publicadas", "Not published"),
    "requested": Text("Pedidas", "Asked for"),
}
_CHANGED = Text(
    "La reseña ha cambiado mientras la mirabas y no se ha hecho nada. Así está ahora.",
    "The review changed while you were looking at it, and nothing was done. This is how it is now.",
)


@router.get("")
async def list_reviews(page: PersonPage) -> Response:
    """Reviews by their state, the newest first; those that wait for the firm unless told."""
    shown = page.request.query_params.get("show", "")
    shown = shown if shown in _TABS else "pending"
    filters = lists.filters(page, ReviewFilters, status=shown)
    found = lists.listing(
        page,
        await service.list_reviews(page.reads, page.pager, tenant_id=page.person.tenant_id, filters=filters),
    )
    names = await clients.names(
        page.reads,
        tenant_id=page.person.tenant_id,
        client_ids=[review["client_id"] for review in found.rows],
    )
    return page.render(
        "panel/reviews/list.html",
        reviews=found,
        names=names,
        shown=shown,
        tabs=[(f"{_HERE}?show={name}", words, name == shown) for name, words in _TABS.items()],
    )


@router.get("/{review_id}")
async def read_review(page: PersonPage, review_id: str) -> Response:
    """One review."""
    review = await _review(page, review_id)
    return await _detail(page, review, {"reply": review["reply"]}, errors=None)


@router.post("/{review_id}/publish")
async def publish_review(page: PersonPage, review_id: str) -> Response:
    """Let the world see it."""
    done = Text("La reseña está publicada.", "The review is published.")
    return await _moderate(page, review_id, publish=True, done=done)


@router.post("/{review_id}/reject")
async def reject_review(page: PersonPage, review_id: str) -> Response:
    """Keep it from the world."""
    done = Text("La reseña no se publica.", "The review is not published.")
    return await _moderate(page, review_id, publish=False, done=done)


@router.post("/{review_id}/reply")
async def reply_to_review(page: PersonPage, review_id: str) -> Response:
    """Answer it in public, or take the answer back with an empty one."""
    form = await page.form()
    review = await _review(page, review_id)
    try:
        wanted = forms.read(ReviewReply, {"reply": str(form.get("reply", "")).strip() or None})
        async with page.transaction() as session:
            await service.reply(
                session,
                tenant_id=page.person.tenant_id,
                review_id=review["id"],
                wanted=wanted,
                precondition=_seen(form),
            )
    except Problem as refusal:
        if refusal.status != 422:
            return _refused(page, refusal, review["id"])
        return await _detail(page, review, form, errors=forms.errors_of(refusal))
    if wanted.reply:
        page.notice(Text("Tu respuesta está guardada.", "Your answer is saved."))
    else:
        page.notice(Text("La reseña se queda sin respuesta.", "The review has no answer now."))
    return page.redirect(f"{_HERE}/{review['id']}")


async def _moderate(page: Page, review_id: str, *, publish: bool, done: Text) -> Response:
    form = await page.form()
    review = await _review(page, review_id)
    try:
        async with page.transaction() as session:
            await service.moderate(
                session,
                caller=page.caller,
                review_id=review["id"],
                publish=publish,
                precondition=_seen(form),
            )
    except Problem as refusal:
        return _refused(page, refusal, review["id"])
    page.notice(done)
    return page.redirect(f"{_HERE}/{review['id']}")


async def _detail(
    page: Page, review: dict[str, Any], form: Mapping[str, Any], *, errors: FormErrors | None
) -> Response:
    names = await clients.names(page.reads, tenant_id=page.person.tenant_id, client_ids=[review["client_id"]])
    case = None
    if review["case_id"]:
        text, _ = await cases.read_case(page.reads, caller=page.caller, case_id=review["case_id"])
        case = json.loads(text)
    return page.render(
        "panel/reviews/detail.html",
        status=errors.status if errors else 200,
        review=review,
        client=names.get(review["client_id"], review["client_id"]),
        case=case,
        form=form,
        errors=errors,
        status_words=_STATUS,
    )


async def _review(page: Page, review_id: str) -> dict[str, Any]:
    text, version = await service.read_review(
        page.reads, tenant_id=page.person.tenant_id, review_id=review_id
    )
    return {**json.loads(text), "version": version}


def _seen(form: FormData) -> Precondition:
    return Precondition(etag(str(form.get("version", ""))))


def _refused(page: Page, refusal: Problem, review_id: str) -> Response:
    if isinstance(refusal, PreconditionFailed):
        page.notice(_CHANGED, kind="warning")
        return page.redirect(f"{_HERE}/{review_id}")
    return page.back(refusal, f"{_HERE}/{review_id}")
