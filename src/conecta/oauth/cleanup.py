"""Deleting what the protocol needs no more."""

from datetime import timedelta
from typing import Final

from conecta.kit import clock
from conecta.kit.db import Database

from . import cleanup_queries, signing_keys

_KEPT: Final = timedelta(days=1)
# What anybody may have us remember, and what is worth nothing once it is over.
_SOON_GONE: Final = {table: timedelta(minutes=1) for table in ("oauth_proofs", "oauth_pushed_requests")}


async def delete_expired(database: Database) -> int:
    """Delete expired codes, tokens, requests, proofs and keys; return how many rows."""
    deleted = 0
    for table in cleanup_queries.OF_TABLE:
        before = clock.real_now() - _SOON_GONE.get(table, _KEPT)
        while batch := await cleanup_queries.delete_over(database, table, before):
            deleted += batch
    return deleted + await signing_keys.delete_dead(database)
