"""Row-level security: Postgres itself keeps firms apart, whatever a query forgets.

The tables are found in the catalogue, so a table that lands tomorrow is held to the same rules today.
Behaviour is tried on a scratch copy of the migrated database in which every tenant's table has one row
of two firms; constraints and triggers are dropped there, so that any made-up value will do.
"""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from conecta.kit.db import APP_ROLE, SYSTEM_ROLE

MINE, THEIRS = "tenant_mine", "tenant_theirs"
TENANT_COLUMN = {"tenants": "id"}
# What a client of the firm may see whoever they are; everything else needs a condition on the client.
CLIENT_SEES_ALL = {
    "idempotency_keys",  # the key is looked up by the caller's own route, which names the client
    "case_categories",  # the firm's catalogue, without anybody's data
    # What a client is offered is computed as them; no route but that of the services shows any of it.
    "availability_versions",
    "booking_services",
    "booking_service_hosts",
    "booking_service_rooms",
    "rooms",
    "schedules",
    "holiday_calendars",
    "holidays",
    "booking_claims",  # who is taken and when, never for what
    "booking_occurrences",  # how many places of a group session are left
}
# What belongs to no firm, and how far the app role may use it.
SHARED = {"plans": {"SELECT"}}
NOT_A_CLIENT = "COALESCE(current_setting('conecta.client_id'::text, true), ''::text) = ''::text"

MADE_UP = {
    "text": "'{tenant}-{column}'",
    "integer": "1",
    "smallint": "1",
    "bigint": "1",
    "boolean": "true",
    "bytea": "'{tenant}-{column}'::bytea",
    "jsonb": "'{{}}'",
    "date": "'2026-01-01'",
    "time without time zone": "'18:00'",
    "inet": "'192.0.2.1'",
    "numeric": "1",
    "double precision": "1",
    "xid8": "'1'",
    "uuid": "'00000000-0000-7000-8000-000000000000'",
    "timestamp with time zone": "'2026-01-01Z'",
    "tsvector": "''",
}


@pytest.fixture(scope="module")
def scratch(postgres, template) -> Iterator[psycopg.Connection]:
    """A superuser's connection to a copy of the migrated database with a row of two firms in each table."""
    name = f"rls_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as server:
        server.execute(f'create database "{name}" template "{template}"')
        with psycopg.connect(postgres.dsn(name), autocommit=True) as connection:
            _drop_constraints(connection)
            for table in tenant_tables(connection):
                for tenant in (MINE, THEIRS):
                    connection.execute(made_up_row(connection, table, tenant))
            yield connection
        server.execute(f'drop database "{name}"')


def _drop_constraints(connection: psycopg.Connection) -> None:
    constraints = connection.execute(
        "select conrelid::regclass::text, conname from pg_constraint"
        " where connamespace = 'public'::regnamespace and contype in ('c', 'f', 'x')"
    ).fetchall()
    for table, name in constraints:
        connection.execute(f'alter table {table} drop constraint "{name}"')
    for table in tenant_tables(connection):
        connection.execute(f"alter table {table} disable trigger user")


def tenant_tables(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')"
        " and not c.relispartition and a.attname = 'tenant_id' and not a.attisdropped order by 1"
    ).fetchall()
    return ["tenants", *(row[0] for row in rows)]


def made_up_row(connection: psycopg.Connection, table: str, tenant: str) -> str:
    columns = connection.execute(
        "select attname, format_type(atttypid, null) from pg_attribute where attrelid = %s::regclass"
        " and attnum > 0 and not attisdropped and attgenerated = '' and attidentity = ''"
        " and not (atthasdef and attname <> 'tenant_id') order by attnum",
        [table],
    ).fetchall()
    values = []
    for column, kind in columns:
        if column == TENANT_COLUMN.get(table, "tenant_id"):
            values.append(f"'{tenant}'")
        elif kind.endswith("[]"):
            values.append("'{}'")
        else:
            assert kind in MADE_UP, f"{table}.{column} is a {kind}: add a made-up value to this test"
            values.append(MADE_UP[kind].format(tenant=tenant, column=column))
    names = ", ".join(column for column, _ in columns)
    return f"insert into {table} ({names}) values ({', '.join(values)})"


class As:
    """Run statements as a role, for a tenant and perhaps a client, and undo them."""

    def __init__(self, connection: psycopg.Connection, role: str, tenant="", client="") -> None:
        self.connection, self.role, self.tenant, self.client = connection, role, tenant, client

    def run(self, statement: str) -> psycopg.Cursor:
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(sql.SQL("set local role {}").format(sql.Identifier(self.role)))
            self.connection.execute(
                "select set_config('conecta.tenant_id', %s, true), set_config('conecta.client_id', %s, true)",
                [self.tenant, self.client],
            )
            return self.connection.execute(statement)

    def tenants_seen(self, table: str) -> list[str]:
        column = TENANT_COLUMN.get(table, "tenant_id")
        return [row[0] for row in self.run(f"select {column} from {table} order by 1").fetchall()]


def may(connection: psycopg.Connection, table: str, privilege: str) -> bool:
    question = "select has_table_privilege(%s, %s, %s)"
    return connection.execute(question, [APP_ROLE, table, privilege]).fetchone()[0]


def tables_app_may(connection: psycopg.Connection, privilege: str) -> list[str]:
    found = [table for table in tenant_tables(connection) if may(connection, table, privilege)]
    assert len(found) >= 3  # a test over no table proves nothing
    return found


def test_scratch_has_a_row_of_each_firm_in_every_table(scratch):
    """What the tests below stand on: the system role, which no tenant binds, sees both."""
    for table in tenant_tables(scratch):
        assert As(scratch, SYSTEM_ROLE).tenants_seen(table) == [MINE, THEIRS], table


def test_without_a_tenant_nothing_is_seen(scratch):
    seen = {table: As(scratch, APP_ROLE).tenants_seen(table) for table in tables_app_may(scratch, "select")}
    assert {table: rows for table, rows in seen.items() if rows} == {}


def test_a_connection_that_never_heard_of_a_tenant_sees_nothing(scratch):
    """The setting does not even exist there: a missing setting must not be an error, or a match."""
    with psycopg.connect(scratch.info.dsn, options=f"-c role={APP_ROLE}", autocommit=True) as fresh:
        for table in tables_app_may(scratch, "select"):
            assert fresh.execute(f"select count(*) from {table}").fetchone() == (0,), table


def test_with_a_tenant_only_its_rows_are_seen(scratch):
    for table in tables_app_may(scratch, "select"):
        assert As(scratch, APP_ROLE, MINE).tenants_seen(table) == [MINE], table


def test_insert_for_another_tenant_is_refused(scratch):
    for table in tables_app_may(scratch, "insert"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            As(scratch, APP_ROLE, MINE).run(made_up_row(scratch, table, THEIRS))


def test_insert_without_a_tenant_is_refused(scratch):
    for table in tables_app_may(scratch, "insert"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            As(scratch, APP_ROLE).run(made_up_row(scratch, table, THEIRS))


def test_another_tenants_rows_cannot_be_changed_or_deleted(scratch):
    for table in tables_app_may(scratch, "update"):
        column = TENANT_COLUMN.get(table, "tenant_id")
        change = f"update {table} set {column} = {column} where {column} = '{THEIRS}'"
        assert As(scratch, APP_ROLE, MINE).run(change).rowcount == 0, table
    for table in tables_app_may(scratch, "delete"):
        column = TENANT_COLUMN.get(table, "tenant_id")
        delete = f"delete from {table} where {column} = '{THEIRS}'"
        assert As(scratch, APP_ROLE, MINE).run(delete).rowcount == 0, table


def test_a_row_cannot_be_given_to_another_tenant(scratch):
    for table in tables_app_may(scratch, "update"):
        column = TENANT_COLUMN.get(table, "tenant_id")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            As(scratch, APP_ROLE, MINE).run(f"update {table} set {column} = 'tenant_other'")


def test_a_client_of_the_firm_sees_no_row_that_is_not_theirs(scratch):
    for table in tables_app_may(scratch, "select"):
        seen = As(scratch, APP_ROLE, MINE, "cli_somebody_else").tenants_seen(table)
        assert seen == ([MINE] if table in CLIENT_SEES_ALL else []), table
    assert As(scratch, APP_ROLE, MINE, f"{MINE}-id").tenants_seen("clients") == [MINE]
    assert As(scratch, APP_ROLE, MINE, f"{THEIRS}-id").tenants_seen("clients") == []


def test_resetting_the_role_does_not_leave_it(dsn):
    with psycopg.connect(dsn, options=f"-c role={APP_ROLE}", autocommit=True) as connection:
        connection.execute("reset role")
        assert connection.execute("select current_user").fetchone() == (APP_ROLE,)


def test_copy_into_a_tenants_table_is_refused(scratch):
    with psycopg.connect(scratch.info.dsn, options=f"-c role={APP_ROLE}", autocommit=True) as connection:
        copy = connection.cursor().copy("copy clients (tenant_id, id) from stdin")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            copy.__enter__()


def test_roles_cannot_bypass_anything(superuser):
    rows = superuser.execute(
        "select rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreatedb, rolcreaterole, rolreplication,"
        " array(select r.rolname from pg_roles r where pg_has_role(p.oid, r.oid, 'member')) from pg_roles p"
        " where rolname = any(%s) order by 1",
        [[APP_ROLE, SYSTEM_ROLE]],
    ).fetchall()
    assert rows == [(role, *[False] * 6, [role]) for role in sorted((APP_ROLE, SYSTEM_ROLE))]


def test_roles_own_nothing_and_cannot_make_anything(superuser):
    owned = superuser.execute(
        "select relname from pg_class where relowner::regrole::text = any(%(roles)s) union all"
        " select proname from pg_proc where proowner::regrole::text = any(%(roles)s)",
        {"roles": [APP_ROLE, SYSTEM_ROLE]},
    ).fetchall()
    assert owned == []
    for role in (APP_ROLE, SYSTEM_ROLE):
        creates = superuser.execute("select has_schema_privilege(%s, 'public', 'create')", [role])
        assert creates.fetchone() == (False,), role


def test_app_role_may_use_only_tenants_tables_and_the_shared_ones(superuser):
    rows = superuser.execute(
        "select table_name, array_agg(privilege_type::text) from information_schema.role_table_grants"
        " where grantee = %s and table_schema = 'public' group by 1",
        [APP_ROLE],
    ).fetchall()
    used = {table: set(privileges) for table, privileges in rows}
    mine = set(tenant_tables(superuser))
    assert {table: used[table] for table in used if table not in mine} == SHARED
    excess = {table: p for table, p in used.items() if p - {"SELECT", "INSERT", "UPDATE", "DELETE"}}
    assert excess == {}
    everyone = superuser.execute(
        "select table_name from information_schema.role_table_grants"
        " where grantee = 'PUBLIC' and table_schema = 'public'"
    ).fetchall()
    assert everyone == []


def test_every_tenants_table_is_locked_by_the_three_policies(superuser):
    for table in tenant_tables(superuser):
        locked = superuser.execute("select relrowsecurity from pg_class where oid = %s::regclass", [table])
        assert locked.fetchone() == (True,), f"{table} has no row-level security"
        policies = superuser.execute(
            "select policyname, permissive, roles::text[], cmd, qual, with_check from pg_policies"
            " where schemaname = 'public' and tablename = %s order by 1",
            [table],
        ).fetchall()
        assert [policy[0] for policy in policies] == ["client", "system", "tenant"], table
        client, system, tenant = policies
        condition = (
            f"({TENANT_COLUMN.get(table, 'tenant_id')} = current_setting('conecta.tenant_id'::text, true))"
        )
        assert tenant[1:] == ("PERMISSIVE", [APP_ROLE], "ALL", condition, condition), table
        assert system[1:] == ("PERMISSIVE", [SYSTEM_ROLE], "ALL", "true", "true"), table
        assert client[1:4] == ("RESTRICTIVE", [APP_ROLE], "ALL"), table
        assert client[5] is None, table
        assert NOT_A_CLIENT in client[4], table


def test_every_key_of_a_tenants_table_starts_with_the_tenant(superuser):
    for table in tenant_tables(superuser)[1:]:
        first = superuser.execute(
            "select a.attname from pg_index i join pg_attribute a"
            " on a.attrelid = i.indrelid and a.attnum = i.indkey[0]"
            " where i.indrelid = %s::regclass and i.indisprimary",
            [table],
        ).fetchone()
        assert first == ("tenant_id",), f"{table}: its primary key starts with {first}"


def test_no_foreign_key_crosses_tenants(superuser):
    """Foreign-key checks skip row-level security: only a composite key keeps them inside the firm."""
    rows = superuser.execute(
        "select conrelid::regclass::text, confrelid::regclass::text, conname,"
        " array(select attname::text from unnest(conkey) with ordinality k (n, i)"
        "   join pg_attribute on attrelid = conrelid and attnum = n order by i),"
        " array(select attname::text from unnest(confkey) with ordinality k (n, i)"
        "   join pg_attribute on attrelid = confrelid and attnum = n order by i)"
        " from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace"
    ).fetchall()
    tables = set(tenant_tables(superuser)) - {"tenants"}
    checked = 0
    for table, target, name, columns, targets in rows:
        if table not in tables:
            continue
        if target == "tenants":
            assert (columns, targets) == (["tenant_id"], ["id"]), f"{table}.{name}"
        elif target in tables:
            assert (columns[0], targets[0]) == ("tenant_id", "tenant_id"), f"{table}.{name} crosses tenants"
        checked += 1
    assert checked >= len(tables) // 2
    tied = {table for table, *_ in rows}
    assert tables - tied == set(), "tables of a tenant that no foreign key ties to anything"


def test_functions_with_the_owners_rights_are_pinned_down(superuser):
    """They act behind the policies: each fixes its search path and filters by the tenant itself."""
    rows = superuser.execute(
        "select proname, coalesce(array_to_string(proconfig, ';'), ''), prosrc from pg_proc"
        " where prosecdef and pronamespace = 'public'::regnamespace"
    ).fetchall()
    assert rows
    for name, config, source in rows:
        assert "search_path=public" in config, f"{name} has an open search path"
        by_setting = "current_setting('conecta.tenant_id', true)" in source
        by_rows = "new.tenant_id" in source or "select distinct tenant_id from changed" in source
        assert by_setting or by_rows, f"{name} does not filter by tenant"


def test_client_search_finds_only_the_callers_own(scratch):
    """`matching_clients` runs with the owner's rights, so nothing but its own filter holds it."""
    scratch.execute("update clients set search_words = 'ana'")
    find = "select count(*) from matching_clients('''ana'':*')"
    assert As(scratch, APP_ROLE, MINE).run(find).fetchone() == (1,)
    ids = As(scratch, APP_ROLE, MINE).run("select matching_clients('''ana'':*')").fetchall()
    assert ids == [(f"{MINE}-id",)]
    everything = "select count(*) from matching_clients('''ana'':* | ''tenant_theirs''')"
    assert As(scratch, APP_ROLE, MINE).run(everything).fetchone() == (1,)
