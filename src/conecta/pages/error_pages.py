"""Refusals and faults as pages, with the request id; they need no database and no session."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from conecta.kit import language
from conecta.kit.problem_responses import to_problem

from . import rendering
from .cookies import chosen_language
from .refusals import PageRefusal

_PREFIXES = (
    "/panel",
    "/account",
    "/sign-in",
    "/sign-out",
    "/reset",
    "/invitations",
    "/portal",
    "/c",
    "/calendars/callback",
    "/b",
    "/embed",
    "/reviews",
    "/oauth/authorize",
)


def is_page(path: str) -> bool:
    """Say whether people's browsers ask for this path, so that a refusal must be a page."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in _PREFIXES)


def error_page(request: Request, error: Exception) -> Response:
    """Show what went wrong."""
    asked = request.query_params.get("lang")  # of a frame on the firm's website, which speaks its language
    language.speak(asked if asked in {"es", "en"} else chosen_language(request, language.current()))
    if isinstance(error, PageRefusal):
        status, title, detail, headers, found = error.status, error.title, error.detail, {}, []
    else:
        problem = to_problem(error, path=request.url.path)
        status, title, detail = problem.status, problem.title, problem.sentence
        headers, found = problem.headers, [fault.message for fault in problem.errors]
    html = rendering.environment().get_template("error.html").render(
        status=status,
        title=title,
        detail=detail,
        errors=found,
        language=language.current(),
        request_id=request.scope.get("state", {}).get("request_id", ""),
        home=_home(request.url.path),
    )  # fmt: skip
    response = HTMLResponse(html, status)
    https = request.app.state.settings.base_url.startswith("https://")
    response.headers.update(rendering.security_headers(https=https))
    response.headers.update({name: headers[name] for name in ("Retry-After", "Allow") if name in headers})
    if framed_by := request.scope.get("state", {}).get("framed_by"):
        # Whoever looks at a frame is to read what went wrong there.
        rendering.let_frame(response.headers, framed_by)
    return response


def _home(path: str) -> str:
    """Return where to go on from an error; whoever came by a link of their own has no other page of ours."""
    if path.startswith(("/c/", "/b/", "/embed/", "/reviews/", "/calendars/")):
        return ""
    return "/portal" if path.startswith("/portal") else "/panel"
