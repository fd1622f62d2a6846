"""THE permission table: every native route, the scope it needs, and whether a client of the firm may call it.

A route that is not here fails a test, so that nobody opens one without having thought about who comes in.
"""

from dataclasses import dataclass

from conecta.auth.scopes import Scope


@dataclass(frozen=True)
class Permission:
    """One route. `scope` None: any credential of the firm. `client`: a client of the firm, own rows only.

    `visitor`: anybody on the firm's website, by a publishable key.
    """

    method: str
    path: str
    scope: Scope | None
    client: bool = False
    visitor: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def _table(
    scope: Scope | None, *routes: str, client: bool = False, visitor: bool = False
) -> list[Permission]:
    return [Permission(*route.split(" "), scope, client, visitor) for route in routes]


PERMISSIONS = [
    *_table(Scope.BOOKINGS_READ, "GET /booking-services", "GET /booking-services/{uuid}", client=True),
    *_table(Scope.BOOKINGS_READ, "GET /bookings", "GET /bookings/{uuid}", client=True),
    # A client of the firm asks about public services only, and is told no reasons.
    *_table(Scope.BOOKINGS_READ, "GET /availability", "GET /availability/slots", client=True),
    *_table(Scope.BOOKINGS_READ, "GET /calendar"),
    *_table(Scope.BOOKINGS_READ, "GET /bookings/{uuid}/history"),
    # A client of the firm books public services for themselves, and changes what is theirs within policy.
    *_table(
        Scope.BOOKINGS_WRITE,
        "POST /bookings",
        "POST /bookings/{uuid}/cancel",
        "POST /bookings/{uuid}/reschedule",
        "POST /bookings/{uuid}/confirm",
        "POST /bookings/holds",
        "DELETE /bookings/holds/{uuid}",
        client=True,
    ),
    *_table(
        Scope.BOOKINGS_WRITE,
        "PATCH /bookings/{uuid}",
        "POST /bookings/{uuid}/complete",
        "POST /bookings/{uuid}/no-show",
    ),
    *_table(
        Scope.BOOKINGS_READ,
        "GET /rooms",
        "GET /rooms/{uuid}",
        "GET /schedules",
        "GET /schedules/{uuid}",
        "GET /schedules/{uuid}/overrides",
        "GET /time-off",
        "GET /time-off/{uuid}",
        "GET /holiday-calendars",
        "GET /holiday-calendars/{uuid}",
        "GET /holiday-calendars/{uuid}/days",
        "GET /holiday-calendars/{uuid}/days/{day}",
    ),
    *_table(
        Scope.BOOKINGS_WRITE,
        "POST /booking-services",
        "PATCH /booking-services/{uuid}",
        "POST /rooms",
        "PATCH /rooms/{uuid}",
        "POST /schedules",
        "PATCH /schedules/{uuid}",
        "DELETE /schedules/{uuid}",
        "PUT /schedules/{uuid}/overrides/{date}",
        "DELETE /schedules/{uuid}/overrides/{date}",
        "POST /time-off",
        "PATCH /time-off/{uuid}",
        "DELETE /time-off/{uuid}",
        "POST /holiday-calendars",
        "PATCH /holiday-calendars/{uuid}",
        "DELETE /holiday-calendars/{uuid}",
        "POST /holiday-calendars/{uuid}/years",
        "POST /holiday-calendars/{uuid}/days",
        "PATCH /holiday-calendars/{uuid}/days/{day}",
        "DELETE /holiday-calendars/{uuid}/days/{day}",
    ),
    *_table(Scope.BOOKINGS_READ, "GET /booking-reminders", "GET /calendar-feeds"),
    # A member sees and changes only their own; the firm all.
    *_table(Scope.BOOKINGS_READ, "GET /calendar-connections", "GET /calendar-connections/{uuid}"),
    *_table(
        Scope.BOOKINGS_WRITE,
        "PATCH /booking-reminders",
        "POST /calendar-feeds",
        "POST /calendar-connections/authorize",
        "PATCH /calendar-connections/{uuid}",
        "DELETE /calendar-connections/{uuid}",
        "POST /calendar-connections/{uuid}/sync",
        "POST /calendar-connections/{uuid}/changes/{booking}",
        "DELETE /calendar-feeds/{uuid}",
        "POST /bookings/{uuid}/links",
        "DELETE /bookings/{uuid}/links",
    ),
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
    *_table(
        Scope.CLIENTS_READ,
        "GET /inquiries",
        "GET /inquiries/{uuid}",
        "GET /reviews",
        "GET /reviews/{uuid}",
    ),
    *_table(
        Scope.CLIENTS_WRITE,
        "POST /inquiries",
        "PATCH /inquiries/{uuid}",
        "POST /inquiries/{uuid}/convert",
        "POST /reviews",
        "POST /reviews/{uuid}/publish",
        "POST /reviews/{uuid}/reject",
        "POST /reviews/{uuid}/reply",
    ),
    *_table(
        Scope.ADMIN,
        "GET /publishable-keys",
        "POST /publishable-keys",
        "GET /publishable-keys/{uuid}",
        "PATCH /publishable-keys/{uuid}",
        "DELETE /publishable-keys/{uuid}",
        "GET /public-site",
        "PUT /public-site",
    ),
    # What anybody on the firm's website may do, whatever credential the firm has may do, too.
    *_table(
        None,
        "GET /public/firm",
        "GET /public/challenge",
        "GET /public/reviews",
        "GET /public/services",
        "GET /public/services/{service}/slots",
        "POST /public/bookings",
        "POST /public/inquiries",
        visitor=True,
    ),
    *_table(None, "GET /usage"),
]
