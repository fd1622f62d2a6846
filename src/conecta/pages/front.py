"""The front door, the files that pages load, and the choice of language."""

from fastapi import Request
from starlette.responses import FileResponse, Response

from . import rendering
from .error_pages import error_page
from .refusals import PageRefusal
from .web import VisitorPage, page_router, safe_next

router = page_router()

_FOREVER = "public, max-age=31536000, immutable"  # the address carries the file's digest


@router.get("/")
async def open_front_door(page: VisitorPage) -> Response:
    """Send people to where they work."""
    client = page.signed_in is not None and page.signed_in.kind == "client"
    return page.redirect("/portal" if client else "/panel")


@router.post("/language")
async def choose_language(page: VisitorPage) -> Response:
    """Keep the language somebody chose, and go back to where they were."""
    form = await page.form()
    response = page.redirect(safe_next(str(form.get("next", ""))))
    page.set_language(response, "en" if form.get("language") == "en" else "es")
    return response


@router.get("/static/{name}")
async def read_file(request: Request, name: str) -> Response:
    """One file of the pages."""
    path = rendering.static_files().get(name)
    if path is None:
        return error_page(request, PageRefusal(404, *rendering.NO_SUCH_FILE))
    media_type = rendering.MEDIA_TYPES[path.suffix]
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": _FOREVER})
