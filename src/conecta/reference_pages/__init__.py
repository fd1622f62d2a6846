"""The public reference: `/docs`, `/openapi.json`, and a page for every error code.

Everything a page needs is served from here; Swagger UI's files come from the installed `fastapi-offline`.
"""

import hashlib
import json
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, HTMLResponse, Response

from conecta import __version__, openapi
from conecta.kit import language
from conecta.kit.errors import NotFound, Problem, all_problems
from conecta.kit.etags import answer_conditionally
from conecta.kit.language import Text
from conecta.kit.problem_responses import problem_response
from conecta.openapi import problems

from .advice import ADVICE

router = APIRouter(include_in_schema=False)

_OURS = Path(__file__).parent
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"  # the address carries the version
_BRIEFLY = "public, max-age=300"


@router.get("/openapi.json")
async def read_document(request: Request) -> Response:
    """The OpenAPI document of this server, made once."""
    body = await run_in_threadpool(_document_bytes, request.app.state.settings.base_url)
    answer = Response(body, headers={"Cache-Control": _BRIEFLY}, media_type="application/json")
    return answer_conditionally(request, answer)


@router.get("/docs")
async def read_docs() -> Response:
    """The interactive reference."""
    return _page(_template("docs.html").substitute(version=_version()))


@router.get("/docs/assets/{name}")
async def read_asset(request: Request, name: str) -> Response:
    """One file of the reference."""
    path = _assets().get(name)
    if path is None:
        return problem_response(NotFound(), request.scope)
    media_type = _MEDIA_TYPES[path.suffix]
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": _FOREVER})


@router.get("/errors")
async def list_errors(request: Request) -> Response:
    """Every error code."""
    found = all_problems()
    if _wants_json(request):
        return _json([_summary(request, problem) for problem in found])
    rows = "".join(
        f'<tr><td>{problem.status}</td><td><a href="/errors/{problem.code}"><code>{problem.code}</code></a>'
        f"</td><td>{escape(str(problem.title))}</td></tr>"
        for problem in found
    )
    title = _ERRORS
    head = f"<tr><th>{_STATUS}</th><th>{_CODE}</th><th>{_MEANING}</th></tr>"
    return _sheet(title, f"<h1>{title}</h1><table>{head}{rows}</table>")


@router.get("/errors/{code}")
async def read_error(request: Request, code: str) -> Response:
    """What an error code means and what to do about it: the `type` of every problem leads here."""
    problem = next((problem for problem in all_problems() if problem.code == code), None)
    if problem is None:
        if _wants_json(request):
            return problem_response(NotFound(), request.scope)
        return _sheet(_UNKNOWN, f'<h1>{_UNKNOWN}</h1><p><a href="/errors">{_ALL}</a></p>', status=404)
    if _wants_json(request):
        return _json(_summary(request, problem))
    return _sheet(problem.title, _explained(problem, request.app.state.settings.base_url))


_ERRORS = Text("Códigos de error", "Error codes")
_UNKNOWN = Text("No existe ese código de error", "There is no such error code")
_ALL = Text("Todos los códigos", "All codes")
_REFERENCE = Text("Referencia", "Reference")
_SHORT_ERRORS = Text("Errores", "Errors")
_STATUS, _CODE, _MEANING = Text("Estado", "Status"), Text("Código", "Code"), Text("Qué es", "Meaning")
_HAPPENED, _TO_DO = Text("Qué ha pasado", "What happened"), Text("Qué hacer", "What to do")
_LOOKS = Text("Un ejemplo de la respuesta", "An example of the answer")
_MORE = Text("Además lleva estos miembros:", "It also has these members:")
_ADVICE_UNKNOWN = Text("Lee detail y errors.", "Read detail and errors.")


def _explained(problem: type[Problem], base_url: str) -> str:
    body = problems.example(problem, base_url)
    members = ", ".join(f"<code>{escape(name)}</code>" for name in problem.extension_names)
    more = f"<p>{_MORE} {members}</p>" if members else ""
    shown = escape(json.dumps(body, ensure_ascii=False, indent=2))
    return (
        f'<span class="status">{problem.status}</span> <code>{problem.code}</code>'
        f"<h1>{escape(str(problem.title))}</h1>"
        f"<h2>{_HAPPENED}</h2><p>{escape(body['detail'])}</p>"
        f"<h2>{_TO_DO}</h2><p>{escape(str(_advice(problem)))}</p>{more}"
        f"<h2>{_LOOKS}</h2><pre><code>{shown}</code></pre>"
    )


def _summary(request: Request, problem: type[Problem]) -> dict[str, Any]:
    body = problems.example(problem, request.app.state.settings.base_url)
    return {
        "code": problem.code,
        "status": problem.status,
        "type": body["type"],
        "title": body["title"],
        "detail": body["detail"],
        "what_to_do": str(_advice(problem)),
        "extensions": list(problem.extension_names),
    }


def _advice(problem: type[Problem]) -> Text:
    return ADVICE.get(problem.status, _ADVICE_UNKNOWN)


def _sheet(title: object, content: str, status: int = 200) -> Response:
    html = _template("problem.html").substitute(
        language=language.current(),
        title=escape(str(title)),
        reference=_REFERENCE,
        errors=_SHORT_ERRORS,
        content=content,
        version=_version(),
    )
    return _page(html, status)


def _page(html: str, status: int = 200) -> Response:
    headers = {
        "Content-Security-Policy": _CSP,
        "Content-Language": language.current(),
        "Vary": "Accept, Accept-Language",
        "Cache-Control": _BRIEFLY,
    }
    return HTMLResponse(html, status, headers)


def _json(value: Any) -> Response:
    headers = {"Vary": "Accept, Accept-Language", "Cache-Control": _BRIEFLY}
    body = json.dumps(value, ensure_ascii=False)
    return Response(body, headers=headers, media_type="application/json")


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "").lower()
    return "json" in accept and "text/html" not in accept


@cache
def _document_bytes(base_url: str) -> bytes:
    return json.dumps(openapi.document(base_url), ensure_ascii=False).encode()


@cache
def _template(name: str) -> Template:
    return Template((_OURS / name).read_text("utf-8"))


@cache
def _version() -> str:
    digest = hashlib.blake2b(f"{__version__} {version('fastapi-offline')}".encode(), digest_size=6)
    for name in ("docs.js", "pages.css", "mark.svg"):
        digest.update((_OURS / name).read_bytes())
    return digest.hexdigest()


@cache
def _assets() -> dict[str, Path]:
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    theirs = Path(spec.origin).parent / "static"
    return {
        **{name: theirs / name for name in ("swagger-ui-bundle.js", "swagger-ui.css")},
        **{name: _OURS / name for name in ("docs.js", "pages.css", "mark.svg")},
    }
