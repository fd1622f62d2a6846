"""SQL of tokens. Whatever may happen once only is one statement, which one of many callers can win."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from .queries import MAY_ACT, run
from .subjects import Subject

_SUBJECT_COLUMNS = (
    "tenant_id", "family_id", "scopes", "grant_id", "grant_version", "subject_kind", "person_id", "user_id",
    "client_id",
)  # fmt: skip
_SUBJECT = """f.tenant_id, f.id, f.scopes, g.id, g.version, g.subject_kind, g.person_id, g.user_id,
  g.client_id"""
_ALIVE = f"f.revoked_at is null and g.revoked_at is null and {MAY_ACT}"

_USE_CODE = f"""
update oauth_codes c set used_at = %(now)s
from oauth_families f, oauth_grants g
where c.hash = any(%(hashes)s) and c.app_id = %(app)s and c.used_at is null and c.expires_at > %(now)s
  and f.tenant_id = c.tenant_id and f.id = c.family_id
  and g.tenant_id = f.tenant_id and g.id = f.grant_id and {_ALIVE}
returning {_SUBJECT}, c.redirect_uri, c.code_challenge, c.dpop_jkt
"""

_END_FAMILY = """
update oauth_families f set revoked_at = %(now)s, revoked_for = %(why)s
where f.tenant_id = %(tenant)s and f.id = %(family)s and f.revoked_at is null
returning f.tenant_id, f.id, f.grant_id
"""

_FAMILY_OF_USED_CODE = """
select c.tenant_id, c.family_id from oauth_codes c
where c.hash = any(%(hashes)s) and c.app_id = %(app)s and c.used_at is not null
"""

_LOCK_FAMILY = """
select f.tenant_id, f.id from oauth_refresh_tokens r
join oauth_families f on f.tenant_id = r.tenant_id and f.id = r.family_id
where r.hash = any(%(hashes)s) and r.app_id = %(app)s
for update of f
"""

# A token that was used lately gives a new pair again: its answer may have been lost. Its siblings (the
# pairs of such answers) end when one of them is used, so that whoever uses another later is found out.
_USE_REFRESH_TOKEN = f"""
with used as (
  update oauth_refresh_tokens r set used_at = coalesce(r.used_at, %(now)s)
  from oauth_families f, oauth_grants g
  where r.hash = any(%(hashes)s) and r.app_id = %(app)s and r.expires_at > %(now)s
    and (r.used_at is null or r.used_at > %(grace_from)s)
    and f.tenant_id = r.tenant_id and f.id = r.family_id
    and (f.dpop_jkt is null or f.dpop_jkt = %(jkt)s)
    and g.tenant_id = f.tenant_id and g.id = f.grant_id and {_ALIVE}
  returning r.tenant_id, r.id, r.family_id, r.parent_id
), ended as (
  update oauth_refresh_tokens s set used_at = %(now)s
  from used
  where s.tenant_id = used.tenant_id and s.family_id = used.family_id and s.parent_id = used.parent_id
    and s.id <> used.id and s.used_at is null
)
select {_SUBJECT}, used.id, f.dpop_jkt
from used
join oauth_families f on f.tenant_id = used.tenant_id and f.id = used.family_id
join oauth_grants g on g.tenant_id = f.tenant_id and g.id = f.grant_id
"""

_FAMILY_OF_USED_REFRESH = """
select r.tenant_id, r.family_id from oauth_refresh_tokens r
where r.hash = any(%(hashes)s) and r.app_id = %(app)s and r.used_at <= %(grace_from)s
"""

_ADD_REFRESH = """
insert into oauth_refresh_tokens (tenant_id, id, family_id, app_id, parent_id, hash, created_at, expires_at)
values (%(tenant)s, %(id)s, %(family)s, %(app)s, %(parent)s, %(hash)s, %(now)s, %(until)s)
"""

_KEEP_FAMILY = """
update oauth_families f set expires_at = greatest(f.expires_at, %(until)s),
  dpop_jkt = coalesce(f.dpop_jkt, %(jkt)s)
where f.tenant_id = %(tenant)s and f.id = %(family)s
"""


def use_code(session: Session, *, hashes: list[bytes], app_id: str, now: datetime) -> dict[str, Any] | None:
    """Use a code up; return what it stands for, or None when it is unknown, used, expired or revoked."""
    rows = run(session, _USE_CODE, {"hashes": hashes, "app": app_id, "now": now})
    columns = (*_SUBJECT_COLUMNS, "redirect_uri", "code_challenge", "dpop_jkt")
    return dict(zip(columns, rows[0], strict=True)) if rows else None


def use_refresh_token(
    session: Session, *, hashes: list[bytes], app_id: str, jkt: str | None, now: datetime, grace: timedelta
) -> dict[str, Any] | None:
    """Use a refresh token up, or again within the grace; None when it is good for nothing."""
    run(session, _LOCK_FAMILY, {"hashes": hashes, "app": app_id})
    params = {"hashes": hashes, "app": app_id, "jkt": jkt, "now": now, "grace_from": now - grace}
    rows = run(session, _USE_REFRESH_TOKEN, params)
    columns = (*_SUBJECT_COLUMNS, "token_id", "dpop_jkt")
    return dict(zip(columns, rows[0], strict=True)) if rows else None


def family_of_used_code(session: Session, *, hashes: list[bytes], app_id: str) -> tuple[str, str] | None:
    """Return tenant and family of a code that was used before."""
    rows = run(session, _FAMILY_OF_USED_CODE, {"hashes": hashes, "app": app_id})
    return (rows[0][0], rows[0][1]) if rows else None


def family_of_used_refresh_token(
    session: Session, *, hashes: list[bytes], app_id: str, now: datetime, grace: timedelta
) -> tuple[str, str] | None:
    """Return tenant and family of a refresh token that was used before, and not just now."""
    params = {"hashes": hashes, "app": app_id, "grace_from": now - grace}
    rows = run(session, _FAMILY_OF_USED_REFRESH, params)
    return (rows[0][0], rows[0][1]) if rows else None


def end_family(session: Session, tenant_id: str, family_id: str, *, why: str, now: datetime) -> str | None:
    """End all tokens of a family; return its grant, or None when it had ended before."""
    rows = run(session, _END_FAMILY, {"tenant": tenant_id, "family": family_id, "why": why, "now": now})
    return str(rows[0][2]) if rows else None


def add_refresh_token(session: Session, values: Mapping[str, Any]) -> None:
    """Store a refresh token by its hash."""
    run(session, _ADD_REFRESH, values)


def keep_family(
    session: Session, tenant_id: str, family_id: str, *, until: datetime, jkt: str | None
) -> None:
    """Keep a family for as long as its newest tokens, bound to a key when it is given one."""
    run(session, _KEEP_FAMILY, {"tenant": tenant_id, "family": family_id, "until": until, "jkt": jkt})


def subject_of_row(row: Mapping[str, Any]) -> Subject:
    """Return whom the tokens of a family act for."""
    return Subject(
        kind=row["subject_kind"],
        tenant_id=row["tenant_id"],
        grant_id=row["grant_id"],
        grant_version=row["grant_version"],
        family_id=row["family_id"],
        person_id=row["person_id"],
        user_id=row["user_id"],
        client_id=row["client_id"],
    )


_SCOPES_OF_REFRESH = """
select f.scopes from oauth_refresh_tokens r
join oauth_families f on f.tenant_id = r.tenant_id and f.id = r.family_id
where r.hash = any(%(hashes)s) and r.app_id = %(app)s
"""


def scopes_of_refresh_token(session: Session, hashes: list[bytes], app_id: str) -> Sequence[str] | None:
    """Return what a refresh token's family was given, whatever became of the token."""
    rows = run(session, _SCOPES_OF_REFRESH, {"hashes": hashes, "app": app_id})
    return rows[0][0] if rows else None


_REFRESH_TOKEN = f"""
select {_SUBJECT}, r.app_id, r.created_at, r.expires_at, r.used_at is not null or not ({_ALIVE}), f.dpop_jkt
from oauth_refresh_tokens r
join oauth_families f on f.tenant_id = r.tenant_id and f.id = r.family_id
join oauth_grants g on g.tenant_id = f.tenant_id and g.id = f.grant_id
where r.hash = any(%(hashes)s)
"""

_VERSION = f"""
select g.version from oauth_families f
join oauth_grants g on g.tenant_id = f.tenant_id and g.id = f.grant_id
where f.tenant_id = %(tenant)s and f.id = %(family)s and {_ALIVE}
"""


def refresh_token(session: Session, hashes: list[bytes]) -> dict[str, Any] | None:
    """Return what is known of a refresh token, whosever it is."""
    rows = run(session, _REFRESH_TOKEN, {"hashes": hashes})
    columns = (*_SUBJECT_COLUMNS, "app_id", "created_at", "expires_at", "ended", "dpop_jkt")
    return dict(zip(columns, rows[0], strict=True)) if rows else None


def is_alive(session: Session, tenant_id: str, family_id: str, version: int) -> bool:
    """Say whether a family, and the version of its grant that a token names, are not revoked."""
    rows = run(session, _VERSION, {"tenant": tenant_id, "family": family_id})
    return bool(rows) and rows[0][0] == version
