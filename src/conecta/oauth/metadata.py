"""What the server says of itself: RFC 8414, the OpenID form of the same, and RFC 9728 for our API."""

from typing import Any, Final
from urllib.parse import urlsplit

from conecta.auth.scopes import SEED_SCOPES

from . import dpop, rules

Json = dict[str, Any]

_SCOPES: Final = [scope.value for scope in SEED_SCOPES]
_SECRET_METHODS: Final = ["client_secret_basic", "client_secret_post"]


def authorization_server(issuer: str) -> Json:
    """Return the metadata of the authorization server."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "registration_endpoint": f"{issuer}/oauth/register",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "require_pushed_authorization_requests": False,
        "scopes_supported": _SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(rules.GRANT_TYPES),
        "token_endpoint_auth_methods_supported": [*_SECRET_METHODS, "none"],
        "revocation_endpoint_auth_methods_supported": [*_SECRET_METHODS, "none"],
        "introspection_endpoint_auth_methods_supported": _SECRET_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": False,
        "ui_locales_supported": ["es", "en"],
        "service_documentation": f"{issuer}/docs",
        "protected_resources": [rules.audiences(issuer)[0]],
    }


def openid_configuration(issuer: str) -> Json:
    """Return the same where OpenID clients look for it, with the members that they insist on.

    Identity tokens are not given out: the scope `openid` does not exist.
    """
    return {
        **authorization_server(issuer),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def protected_resource(issuer: str, resource: str) -> Json:
    """Return the metadata of our API under one of its names."""
    return {
        "resource": resource,
        "authorization_servers": [issuer],
        "jwks_uri": f"{issuer}/oauth/jwks",
        "scopes_supported": _SCOPES,
        "bearer_methods_supported": ["header"],
        "resource_name": "ServiciosConecta",
        "resource_documentation": f"{issuer}/docs",
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
    }


def resource_metadata_url(issuer: str) -> str:
    """Return where the metadata of our API stands: before the path of its identifier (RFC 9728 §3.1)."""
    return well_known(issuer, "oauth-protected-resource", rules.NATIVE_AUDIENCE)


def well_known(issuer: str, name: str, path: str = "") -> str:
    """Return a well-known address whose name is put between host and path."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}/.well-known/{name}{parts.path}{path}"
