"""SQL of the DPoP proofs that were seen, by any of our servers."""

from datetime import datetime

from conecta.kit.db import Database

# Who loses this row to a crash of Postgres could send a proof again within a minute; nobody waits for it.
_REMEMBER = """
insert into oauth_proofs (hash, expires_at) values (%(hash)s::bytea, %(until)s::timestamptz)
on conflict (hash) do nothing
returning set_config('synchronous_commit', 'off', true)
"""


async def remember(database: Database, hash_: bytes, until: datetime) -> bool:
    """Remember a proof; only the first of many callers is told that it is new."""
    return bool(await database.read(_REMEMBER, {"hash": hash_, "until": until}, system=True))
