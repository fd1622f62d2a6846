"""All SQL of OAuth apps."""

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time
from conecta.oauth.models import OAuthApp, OAuthAppSecret

from .schemas import AppFilters

VIEW = JsonView(
    source="oauth_apps a",
    alias="a",
    fields=f"""a.id, a.name, a.kind, a.redirect_uris, a.scopes, a.grant_types, a.for_clients,
      a.pkce_required, a.dpop_required, a.pushed_requests_required, a.website, a.logo,
      a.registered is not null as registered_itself,
      coalesce((
        select json_agg(json_build_object('id', s.id, 'hint', s.hint,
          'created_at', {wire_time("s.created_at")}, 'expires_at', {wire_time("s.expires_at")})
          order by s.created_at desc, s.id desc)
        from oauth_app_secrets s where s.tenant_id = a.tenant_id and s.app_id = a.id
          and (s.expires_at is null or s.expires_at > statement_timestamp())), '[]') as secrets,
      {wire_time("a.last_used_at")} as last_used_at, {wire_time("a.created_at")} as created_at,
      {wire_time("a.updated_at")} as updated_at""",
    sorts={"created_at": ("a.created_at", "timestamptz")},
)
_LIVING = "a.tenant_id = %(tenant)s and a.deleted_at is null"


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: AppFilters) -> PageOfRows:
    """Return a page of a firm's apps."""
    where = Where(_LIVING, tenant=tenant_id).add("a.kind = %(kind)s", kind=filters.kind)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, app_id: str) -> tuple[str, int] | None:
    """Return an app as JSON text and version."""
    rows = await reads.rows(VIEW.one(f"{_LIVING} and a.id = %(id)s"), {"tenant": tenant_id, "id": app_id})
    return (rows[0][0], rows[0][1]) if rows else None


async def for_change(session: AsyncSession, tenant_id: str, app_id: str) -> OAuthApp | None:
    """Return an app, locked until the transaction ends."""
    wanted = select(OAuthApp).where(
        OAuthApp.tenant_id == tenant_id, OAuthApp.id == app_id, OAuthApp.deleted_at.is_(None)
    )
    return await session.scalar(wanted.with_for_update())


async def count(session: AsyncSession, tenant_id: str) -> int:
    """Return how many apps a firm has."""
    wanted = select(func.count()).where(OAuthApp.tenant_id == tenant_id, OAuthApp.deleted_at.is_(None))
    return await session.scalar(wanted) or 0


async def by_name(session: AsyncSession, tenant_id: str, name: str) -> OAuthApp | None:
    """Return the oldest app of a firm with this name, locked."""
    wanted = select(OAuthApp).where(
        OAuthApp.tenant_id == tenant_id, OAuthApp.name == name, OAuthApp.deleted_at.is_(None)
    )
    return await session.scalar(wanted.order_by(OAuthApp.id).limit(1).with_for_update())


async def end_secrets(session: AsyncSession, app: OAuthApp, *, keep: str | None, until: datetime) -> None:
    """Let an app's secrets work until a moment at most, and forget all but one of them."""
    own = (OAuthAppSecret.tenant_id == app.tenant_id, OAuthAppSecret.app_id == app.id)
    await session.execute(delete(OAuthAppSecret).where(*own, OAuthAppSecret.id != (keep or "")))
    ends = func.least(OAuthAppSecret.expires_at, until)
    await session.execute(update(OAuthAppSecret).where(*own).values(expires_at=ends))


async def newest_secret(session: AsyncSession, app: OAuthApp) -> str | None:
    """Return the id of an app's newest secret."""
    wanted = (
        select(OAuthAppSecret.id)
        .where(OAuthAppSecret.tenant_id == app.tenant_id, OAuthAppSecret.app_id == app.id)
        .order_by(OAuthAppSecret.created_at.desc(), OAuthAppSecret.id.desc())
        .limit(1)
    )
    return await session.scalar(wanted)
