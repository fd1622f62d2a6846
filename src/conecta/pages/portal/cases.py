"""The client's own cases: which there are, how they stand, what the firm shares about them."""

import json
from typing import Any

from starlette.responses import Response

from conecta.cases import service as cases
from conecta.cases.activities import service as activities
from conecta.cases.activities.schemas import ActivityFilters
from conecta.cases.categories import service as categories
from conecta.cases.categories.schemas import CategoryFilters
from conecta.cases.notes import service as notes
from conecta.cases.notes.schemas import NoteFilters
from conecta.cases.schemas import CaseFilters
from conecta.kit import language
from conecta.kit.pages import MAX_LIMIT
from conecta.pages import lists
from conecta.pages.lists import Listing
from conecta.pages.web import Page, page_router

from .page import PortalPage
from .words import ACTIVITIES, CASE_FILTERS, CASE_STATUS

router = page_router("/portal")

_FIRST = 10  # notes and activities on the page of a case; the rest has pages of its own


@router.get("")
async def list_cases(page: PortalPage) -> Response:
    """The client's cases, those that changed last first; the ones under way unless told."""
    shown = page.request.query_params.get("show", "")
    shown = shown if shown in CASE_FILTERS else "current"
    filters = lists.filters(page, CaseFilters, status=CASE_FILTERS[shown][0], sort="-updated_at")
    found = await cases.list_cases(page.reads, page.pager, caller=page.caller, filters=filters)
    return page.render(
        "portal/cases.html",
        cases=lists.listing(page, found),
        categories=await _categories(page),
        shown=shown,
        tabs=[(f"/portal?show={name}", words, name == shown) for name, (_, words) in CASE_FILTERS.items()],
        status_words=CASE_STATUS,
    )


@router.get("/cases/{case_id}")
async def read_case(page: PortalPage, case_id: str) -> Response:
    """One case: its state, the last notes that the firm shares, and the last lines of its timeline."""
    case = await _case(page, case_id)
    return page.render(
        "portal/case.html",
        case=case,
        category=(await _categories(page)).get(case["category"], case["category"]),
        notes=await _notes(page, case["id"], limit=_FIRST),
        activities=await _activities(page, case["id"], limit=_FIRST),
        status_words=CASE_STATUS,
        activity_words=ACTIVITIES,
    )


@router.get("/cases/{case_id}/notes")
async def list_notes(page: PortalPage, case_id: str) -> Response:
    """All notes of a case that the firm shares, newest first."""
    case = await _case(page, case_id)
    return page.render("portal/notes.html", case=case, notes=await _notes(page, case["id"]))


@router.get("/cases/{case_id}/activity")
async def list_activities(page: PortalPage, case_id: str) -> Response:
    """What happened to a case, as far as it concerns its client, newest first."""
    case = await _case(page, case_id)
    return page.render(
        "portal/activity.html",
        case=case,
        activities=await _activities(page, case["id"]),
        status_words=CASE_STATUS,
        activity_words=ACTIVITIES,
    )


async def _case(page: Page, case_id: str) -> dict[str, Any]:
    text, _ = await cases.read_case(page.reads, caller=page.caller, case_id=case_id)
    case: dict[str, Any] = json.loads(text)
    return case


async def _notes(page: Page, case_id: str, **fixed: Any) -> Listing:
    filters = lists.filters(page, NoteFilters, **fixed)
    found = await notes.list_notes(
        page.reads, page.pager, caller=page.caller, case_id=case_id, filters=filters
    )
    return lists.listing(page, found)


async def _activities(page: Page, case_id: str, **fixed: Any) -> Listing:
    filters = lists.filters(page, ActivityFilters, **fixed)
    found = await activities.list_activities(
        page.reads, page.pager, caller=page.caller, case_id=case_id, filters=filters
    )
    return lists.listing(page, found)


async def _categories(page: Page) -> dict[str, str]:
    """Return what the firm calls its kinds of case, by code, in the reader's language where it has both."""
    found = await categories.list_categories(
        page.reads, page.pager, tenant_id=page.person.tenant_id, filters=CategoryFilters(limit=MAX_LIMIT)
    )
    rows = [json.loads(row) for row in found.rows]
    english = language.current() == "en"
    return {row["code"]: (row["name_en"] if english else None) or row["name_es"] for row in rows}
