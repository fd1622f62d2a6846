"""`/widget.js`: the one script tag that puts the firm's booking page into its own website."""

from starlette.responses import FileResponse, Response

from conecta.pages import rendering
from conecta.pages.web import page_router

router = page_router()

_HEADERS = {
    # Its address never changes, for it stands in other people's pages: so it is asked for again now and then.
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}


@router.get("/widget.js")
async def read_widget() -> Response:
    """The script."""
    path = rendering.static_files()["widget.js"]
    return FileResponse(path, media_type="text/javascript", headers=_HEADERS)
