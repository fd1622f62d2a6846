"""`/reviews/{secret}`: a client of the firm writes a review, by the link they were mailed."""

from datetime import timedelta

from starlette.responses import Response

from conecta.kit import clock, language
from conecta.kit.errors import Problem
from conecta.kit.language import Text
from conecta.pages import forms
from conecta.pages.portal.page import speak_to
from conecta.pages.refusals import PageRefusal
from conecta.pages.web import Page, VisitorPage, page_router
from conecta.reviews import service as reviews
from conecta.reviews.service import LinkedReview, ReviewWritten

router = page_router("/reviews/{secret}")

_GONE = Text("Este enlace ya no sirve", "This link does not work any more")
_GONE_DETAIL = Text(
    "Ha caducado, o no está bien copiado. Si quieres escribir una reseña, pide otro enlace a tu despacho.",
    "It has expired, or was not copied whole. To write a review, ask your firm for another link.",
)

STARS = (
    ("5", Text("5: excelente", "5: excellent")),
    ("4", Text("4: bien", "4: good")),
    ("3", Text("3: correcto", "3: fair")),
    ("2", Text("2: regular", "2: poor")),
    ("1", Text("1: mal", "1: bad")),
)


@router.get("")
async def ask_for_review(page: VisitorPage, secret: str) -> Response:
    """The form; or thanks, when it was sent before."""
    found = await _found(page, secret)
    if found.status != "requested":
        return page.render("public/reviewed.html", firm={"name": found.firm_name}, rating=found.rating)
    return _form(page, found, {}, None)


@router.post("")
async def write_review(page: VisitorPage, secret: str) -> Response:
    """Keep what the client says."""
    form = await page.form()
    found = await _found(page, secret)
    try:
        rating = forms.whole_number(form, "rating")
        texts = {name: str(form.get(name, "")).strip() or None for name in ("comment", "author_name")}
        written = forms.read(ReviewWritten, {"rating": rating, **texts})
    except Problem as refusal:
        return _form(page, found, form, forms.errors_of(refusal))
    async with page.database.transaction(tenant_id=found.tenant_id) as session:
        await reviews.write_review(session, page.keyring, found=found, written=written)
    return page.redirect(f"/reviews/{secret}")


async def _found(page: Page, secret: str) -> LinkedReview:
    found = await reviews.find_by_link(page.database, page.keyring, secret=secret)
    if found is None or (found.status == "requested" and not found.open):
        raise PageRefusal(410, _GONE, _GONE_DETAIL)
    clock.move_for_this_context(timedelta(seconds=found.clock_offset_seconds))
    speak_to(page, language.spoken(found.language))
    return found


def _form(page: Page, found: LinkedReview, form: object, errors: forms.FormErrors | None) -> Response:
    first, *_ = found.client_name.split() or [""]
    return page.render(
        "public/review.html",
        status=errors.status if errors else 200,
        firm={"name": found.firm_name},
        about=found.service,
        suggested=reviews.shown_name(found.client_name),
        first=first,
        stars=STARS,
        form=form,
        errors=errors,
    )
