"""THE permission table: every native route, the scope it needs, and whether a client of the firm may call it.

A route that is not here fails a test, so that nobody opens one without having thought about who comes in.
"""

from dataclasses import dataclass

from conecta.auth.scopes import Scope


@dataclass(frozen=True)
class Permission:
    """One route. `scope` None: any credential of the firm. `client`: a client of the firm, own rows only."""

    method: str
    path: str
    scope: Scope | None
    client: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def _table(scope: Scope | None, *routes: str, client: bool = False) -> list[Permission]:
    return [Permission(*route.split(" "), scope, client) for route in routes]


PERMISSIONS = [
    *_table(Scope.CLIENTS_READ, "GET /clients", "GET /clients/{uuid}", client=True),
    *_table(Scope.CLIENTS_READ, "GET /clients/{uuid}/access"),
    *_table(
        Scope.CLIENTS_WRITE,
        "POST /clients/{uuid}/access",
        "DELETE /clients/{uuid}/access",
        "POST /clients",
        "PATCH /clients/{uuid}",
        "POST /clients/{uuid}/archive",
        "POST /clients/{uuid}/restore",
    ),
    *_table(
        Scope.CASES_READ,
        "GET /cases",
        "GET /cases/{uuid}",
        "GET /cases/{uuid}/activities",
        "GET /cases/{uuid}/notes",
        "GET /cases/{uuid}/notes/{note}",
        "GET /case-categories",
        "GET /case-categories/{code}",
        client=True,
    ),
    # What a note said before it was corrected stays within the firm.
    *_table(Scope.CASES_READ, "GET /cases/{uuid}/notes/{note}/edits"),
    *_table(
        Scope.CASES_WRITE,
        "POST /cases",
        "PATCH /cases/{uuid}",
        "POST /cases/{uuid}/close",
        "POST /cases/{uuid}/reopen",
        "POST /cases/{uuid}/notes",
        "PATCH /cases/{uuid}/notes/{note}",
        "POST /case-categories",
        "PATCH /case-categories/{code}",
    ),
    *_table(
        Scope.WEBHOOKS,
        "GET /webhooks",
        "POST /webhooks",
        "GET /webhooks/{uuid}",
        "PATCH /webhooks/{uuid}",
        "DELETE /webhooks/{uuid}",
        "POST /webhooks/{uuid}/secret/rotate",
        "POST /webhooks/{uuid}/secret/promote",
        "DELETE /webhooks/{uuid}/secret/rotation",
        "POST /webhooks/{uuid}/test",
        "GET /webhooks/{uuid}/deliveries",
        "GET /webhooks/{uuid}/deliveries/{delivery}",
        "POST /webhooks/{uuid}/deliveries/{delivery}/resend",
        "POST /webhooks/{uuid}/recover",
        "GET /webhooks/{uuid}/health",
        "GET /events",
        "GET /events/feed",
        "GET /events/{uuid}",
        "GET /event-types",
    ),
    *_table(
        Scope.ADMIN,
        "GET /users",
        "POST /users",
        "GET /users/{uuid}",
        "PATCH /users/{uuid}",
        "GET /invitations",
        "POST /invitations",
        "GET /invitations/{uuid}",
        "DELETE /invitations/{uuid}",
        "GET /tenant",
        "PATCH /tenant",
        "GET /sandbox/clock",
        "PUT /sandbox/clock",
        "GET /api-keys",
        "POST /api-keys",
        "GET /api-keys/{uuid}",
        "POST /api-keys/{uuid}/roll",
        "DELETE /api-keys/{uuid}",
        "GET /oauth-apps",
        "POST /oauth-apps",
        "GET /oauth-apps/{uuid}",
        "PATCH /oauth-apps/{uuid}",
        "DELETE /oauth-apps/{uuid}",
        "POST /oauth-apps/{uuid}/secret/rotate",
        "GET /messages",
        "GET /messages/{uuid}",
        "GET /audit-log",
        "GET /audit-log/{uuid}",
        "GET /requests",
        "GET /requests/{request_id}",
    ),
    *_table(None, "GET /usage"),
]
