"""The OpenAPI 3.1 document: what FastAPI knows of the routes, and all that only the house knows.

FastAPI gives paths, bodies and schemas. Query strings, headers, scopes, refusals, examples and webhooks
are read here from the same declarations that the routes run on, so that they cannot differ from them.
"""

import re
from contextvars import copy_context
from typing import Any

from fastapi.openapi.utils import get_openapi

from conecta import __version__, api
from conecta.events.catalogue import CATALOGUE
from conecta.kit import language
from conecta.settings import Settings

from . import examples, headers, operations, problems, refusals, schemas, texts, webhooks

Document = dict[str, Any]


def document(base_url: str) -> Document:
    """Return the whole document for a server at this address, in Spanish whoever asks."""
    return copy_context().run(_document, base_url)


def document_without_database() -> Document:
    """Return the document as the settings of this machine make it."""
    return document(Settings().base_url)


def _document(base_url: str) -> Document:
    language.speak("es")
    routes = list(api.routes())
    made: Document = get_openapi(
        title=texts.TITLE,
        version=__version__,
        summary=texts.SUMMARY,
        description=texts.DESCRIPTION,
        routes=routes,
        servers=[{"url": base_url, "description": texts.SERVER}],
        tags=[{"name": name, "description": text} for name, text in texts.TAGS.items()],
    )
    components: Document = made["components"]
    components["schemas"] = schemas.tidied(components["schemas"])
    components |= {
        "securitySchemes": texts.security_schemes(base_url),
        "parameters": headers.REQUEST_HEADERS,
        "headers": headers.RESPONSE_HEADERS,
        "examples": {},
        "responses": {},
    }
    components["schemas"]["Problem"] = problems.SCHEMA
    made["paths"] = schemas.tidied(made["paths"])
    for operation in operations.found_in(routes):
        described = made["paths"][operation.path][operation.method]
        operations.describe(described, operation, components)
        examples.add_to(described, components["schemas"])
        refusals.add_to(described, operation, components, base_url)
    made["webhooks"] = webhooks.section(CATALOGUE, components["schemas"])
    return _with_readable_page_names(made)


def _with_readable_page_names(made: Document) -> Document:
    """Call pages `CaseReadPage` rather than `Page_CaseRead_`: generators make classes of these."""
    return schemas.renamed(made, lambda name: re.sub(r"^Page_(\w+)_$", r"\1Page", name))
