"""What pages and other features may ask of the OAuth2 server."""

from .apps.service import (
    app_with_fresh_secret,
    create_app,
    delete_app,
    list_apps,
    read_app,
    rotate_secret,
    update_app,
)
from .authorization import AuthorizationRequest, approve, deny, read_authorization
from .cleanup import delete_expired
from .errors import NoRedirect, RedirectError
from .grants import (
    GrantShown,
    existing_grant,
    list_grants_of_client,
    list_grants_of_person,
    list_grants_of_tenant,
    revoke_grant,
)
from .registration.service import make_initial_token
from .signing_keys import rotate as rotate_keys
from .subjects import SignedIn

__all__ = [
    "AuthorizationRequest",
    "GrantShown",
    "NoRedirect",
    "RedirectError",
    "SignedIn",
    "app_with_fresh_secret",
    "approve",
    "create_app",
    "delete_app",
    "delete_expired",
    "deny",
    "existing_grant",
    "list_apps",
    "list_grants_of_client",
    "list_grants_of_person",
    "list_grants_of_tenant",
    "make_initial_token",
    "read_app",
    "read_authorization",
    "revoke_grant",
    "rotate_keys",
    "rotate_secret",
    "update_app",
]
