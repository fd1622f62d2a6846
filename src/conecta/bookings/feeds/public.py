"""`/calendars/{secret}.ics`: what calendar programs fetch, with no credential but the address itself."""

import asyncio
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from conecta.bookings import ics
from conecta.kit.errors import NotFound
from conecta.kit.etags import answer_conditionally, etag
from conecta.kit.problem_responses import problem_response

from . import service


async def read_calendar(request: Request) -> Response:
    """The feed at this address; 304 when nothing has changed since the last time."""
    state = request.app.state
    found = await service.open_feed(state.database, state.keyring, secret=request.path_params["secret"])
    if found is None:
        return problem_response(NotFound(), request.scope)
    headers = {
        "ETag": etag(found.version),
        "Cache-Control": "private, no-cache",
        "Content-Disposition": 'inline; filename="calendar.ics"',
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
    answer = answer_conditionally(request, Response(headers=headers))
    if answer.status_code == 304:
        return answer
    host = urlsplit(state.settings.base_url).hostname or "localhost"
    # A large firm's calendar takes a while to write: others are answered meanwhile.
    content = await asyncio.to_thread(found.write, host)
    return Response(content, headers=headers, media_type=f"{ics.MEDIA_TYPE}; charset=utf-8")


ROUTES = [Route("/calendars/{secret}.ics", read_calendar, methods=["GET"])]
