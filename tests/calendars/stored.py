"""A connection as it is stored, for tests that need one and no provider."""

from typing import Any

from conecta.kit.ids import new_id
from tests.firms import Firm


def add_connection(superuser: Any, firm: Firm) -> str:
    """Store a connection of the firm's owner that nobody follows, and return its id."""
    connection = new_id("cal")
    superuser.execute(
        "insert into calendar_connections (tenant_id, id, user_id, provider, account, titles, on_move,"
        " on_delete, state, failures, due_at, created_at, updated_at, version) values (%s, %s, %s, 'google',"
        " 'Secreta@bufete.example', false, 'accept', 'revert', 'active', 0, now(), now(), now(), 1)",
        [firm.id, connection, firm.owner_id],
    )
    return connection
