"""SQL of dynamic registration; as the system, for whoever registers is nobody yet."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import SessionReads
from conecta.oauth.models import OAuthApp
from conecta.tenants.models import Tenant

_USE = """
update oauth_initial_tokens i set uses_left = i.uses_left - 1
where i.hash = any(%(hashes)s) and i.uses_left > 0 and i.expires_at > %(now)s
returning i.tenant_id, i.id
"""


async def use_initial_token(
    session: AsyncSession, hashes: list[bytes], now: datetime
) -> tuple[str, str] | None:
    """Use an initial access token once; return its tenant and id, None when it is good for nothing."""
    rows = await SessionReads(session).rows(_USE, {"hashes": hashes, "now": now})
    return (rows[0][0], rows[0][1]) if rows else None


async def by_registration_token(session: AsyncSession, app_id: str, hashes: list[bytes]) -> OAuthApp | None:
    """Return the app that a registration access token manages, locked."""
    wanted = select(OAuthApp).where(
        OAuthApp.id == app_id, OAuthApp.registration_hash.in_(hashes), OAuthApp.deleted_at.is_(None)
    )
    return await session.scalar(wanted.with_for_update())


async def tenant_exists(session: AsyncSession, tenant_id: str) -> bool:
    """Say whether there is such a firm or sandbox."""
    return await session.scalar(select(Tenant.id).where(Tenant.id == tenant_id)) is not None
