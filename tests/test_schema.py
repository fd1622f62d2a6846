"""The migrated database is the declared one, down to defaults, policies, grants and function bodies.

`alembic check` does not see most of this; the catalogue does. Only the schema `public` is ours.
"""

import difflib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from conecta.kit.embedded_postgres import EmbeddedPostgres
from conecta.kit.migrate import SCRIPTS, migrate
from conecta.models import Base

_OURS = "n.nspname = 'public' and c.relname not like 'alembic_version%%'"

# Each query gives lines of text: what it is about, and what the catalogue says of it.
CATALOGUE = {
    "relations": f"""
        select c.relname, concat_ws(' ', 'kind', c.relkind, 'persistence', c.relpersistence,
          'rls', c.relrowsecurity, 'forced', c.relforcerowsecurity, 'options', c.reloptions::text)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where {_OURS} and c.relkind in ('r', 'p', 'v', 'm', 'S')""",
    "columns": f"""
        select c.relname || '.' || a.attname, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
          case when a.attnotnull then 'not null' end,
          'default ' || pg_get_expr(d.adbin, d.adrelid),
          'collate ' || nullif(l.collname, 'default'),
          'generated ' || nullif(a.attgenerated::text, ''), 'identity ' || nullif(a.attidentity::text, ''),
          'storage ' || a.attstorage::text, 'statistics ' || a.attstattarget)
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        join pg_namespace n on n.oid = c.relnamespace
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        left join pg_collation l on l.oid = a.attcollation
        where {_OURS} and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped""",
    "constraints": f"""
        select c.relname || ' ' || k.conname,
          concat_ws(' ', k.contype, pg_get_constraintdef(k.oid), 'valid', k.convalidated)
        from pg_constraint k join pg_class c on c.oid = k.conrelid
        join pg_namespace n on n.oid = c.relnamespace where {_OURS} and k.contype <> 'n'""",
    "indexes": f"""
        select c.relname || ' ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
        from pg_index i join pg_class c on c.oid = i.indrelid
        join pg_namespace n on n.oid = c.relnamespace where {_OURS}""",
    "triggers": f"""
        select c.relname || ' ' || t.tgname, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
        from pg_trigger t join pg_class c on c.oid = t.tgrelid
        join pg_namespace n on n.oid = c.relnamespace where {_OURS} and not t.tgisinternal""",
    "functions": """
        select p.oid::regprocedure::text, concat_ws(' ', pg_get_functiondef(p.oid), 'grants', p.proacl::text)
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace
        where n.nspname = 'public' and p.prokind in ('f', 'p')""",
    "policies": """
        select tablename || ' ' || policyname,
          concat_ws(' ', permissive, roles::text, cmd, 'using', qual, 'with check', with_check)
        from pg_policies where schemaname = 'public'""",
    "grants": f"""
        select c.relname || ' to ' || coalesce(nullif(x.grantee, 0)::regrole::text, 'public'),
          string_agg(x.privilege_type || case when x.is_grantable then '*' else '' end, ', '
            order by x.privilege_type)
        from pg_class c join pg_namespace n on n.oid = c.relnamespace,
          lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) x
        where {_OURS} and c.relkind in ('r', 'p', 'v', 'm', 'S') and x.grantee <> c.relowner group by 1""",
    "sequences": """
        select sequencename, concat_ws(' ', data_type, start_value, increment_by, max_value, cycle)
        from pg_sequences where schemaname = 'public'""",
    "types": """
        select t.typname, concat_ws(' ', t.typtype, array(select enumlabel from pg_enum
          where enumtypid = t.oid order by enumsortorder)::text, pg_get_expr(t.typdefaultbin, 0))
        from pg_type t join pg_namespace n on n.oid = t.typnamespace
        left join pg_class c on c.oid = t.typrelid
        where n.nspname = 'public' and t.typtype in ('e', 'd', 'r', 'c')
          and coalesce(c.relkind, 'c') = 'c'""",
    "seeded plans": "select id, concat_ws(' ', name, per_minute, per_day) from plans",
}


@pytest.fixture(scope="module")
def declared(postgres) -> Iterator[str]:
    """The DSN of an empty database made from what the modules declare, without any migration."""
    name = f"declared_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as server:
        server.execute(f'create database "{name}"')
        engine = create_engine(postgres.dsn(name))
        Base.metadata.create_all(engine)
        engine.dispose()
        yield postgres.dsn(name)
        server.execute(f'drop database "{name}"')


@pytest.fixture(scope="module")
def migrated(postgres, template) -> Iterator[str]:
    """The DSN of a freshly migrated database, to look at only."""
    with _migrated_copy(postgres, template) as dsn:
        yield dsn


@pytest.fixture
def spoilt(postgres, template) -> Iterator[str]:
    """The DSN of another one, to change at will."""
    with _migrated_copy(postgres, template) as dsn:
        yield dsn


@contextmanager
def _migrated_copy(postgres: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"migrated_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as server:
        server.execute(f'create database "{name}" template "{template}"')
        yield postgres.dsn(name)
        server.execute(f'drop database "{name}"')


def described(dsn: str, topic: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(CATALOGUE[topic].replace("%%", "%")).fetchall()
    return sorted(f"{what}: {_normal(says)}" for what, says in rows)


def _normal(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")


@pytest.mark.parametrize("topic", CATALOGUE)
def test_migrated_database_is_the_declared_one(migrated, declared, topic):
    left, right = described(migrated, topic), described(declared, topic)
    difference = "\n".join(difflib.unified_diff(left, right, "migrated", "declared", lineterm="", n=0))
    assert not difference, f"{topic} differ; add a migration (or mend the models):\n{difference}"


def test_comparison_looks_at_something(migrated):
    """A query that finds nothing would call everything equal."""
    empty = {topic for topic in CATALOGUE if not described(migrated, topic)}
    assert empty <= {"sequences", "types"}


def test_comparison_sees_what_alembic_does_not(spoilt, declared):
    """Change one thing of each kind on one side: the comparison must notice every one."""
    changes = {
        "relations": "alter table users disable row level security",
        "columns": "alter table users alter column name set default 'x'",
        "constraints": "alter table users drop constraint ck_users_role_known",
        "indexes": "drop index ix_clients_search",
        "triggers": "alter table clients disable trigger user",
        "functions": "alter function matching_clients(text) reset search_path",
        "policies": "alter policy tenant on users using (true)",
        "grants": "grant truncate on users to conecta_app",
        "seeded plans": "update plans set per_minute = 61 where id = 'free'",
    }
    with psycopg.connect(spoilt, autocommit=True) as connection:
        for topic, change in changes.items():
            assert described(spoilt, topic) == described(declared, topic)
            connection.execute(change)
            assert described(spoilt, topic) != described(declared, topic), topic


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return ScriptDirectory.from_config(config)


def test_migrations_are_one_line_with_one_head():
    directory = scripts()
    assert len(directory.get_heads()) == 1
    parents = [script.down_revision for script in directory.walk_revisions()]
    assert len(parents) == len(set(parents)), "two migrations follow the same one"


def test_migrations_have_dated_names_in_their_order():
    names = [script.path.rpartition("/")[2] for script in scripts().walk_revisions()][::-1]
    assert all(re.fullmatch(r"\d{4}_\d\d_\d\d_\d{4}_[a-z0-9_]+\.py", name) for name in names), names
    assert names == sorted(names)
    assert len({name[:15] for name in names}) == len(names), "two migrations of the same minute"


def test_migrating_twice_changes_nothing(spoilt):
    before = {topic: described(spoilt, topic) for topic in CATALOGUE}
    migrate(spoilt)
    assert {topic: described(spoilt, topic) for topic in CATALOGUE} == before
