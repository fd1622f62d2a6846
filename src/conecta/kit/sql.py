"""Pieces of SQL that several features share."""

# Accent-free, lower-case text, without the `unaccent` extension: decompose, then drop the marks.
# Immutable, so that it fits generated columns and indexes.
PLAIN_TEXT_FUNCTION = r"""
create or replace function plain_text(t text) returns text
language sql immutable parallel safe strict as $$
  select regexp_replace(normalize(lower(t), NFD), '[\u0300-\u036f]', '', 'g')
$$
"""


def wire_time(column: str) -> str:
    """Write a timestamptz as the API does: UTC, whole seconds, `Z`; null stays null."""
    return f"""to_char({column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


def side_table_trigger(table: str, column: str, side_table: str, owner: str) -> list[str]:
    """Return the statements that keep a side table equal to a `tags` array or a `custom_fields` object.

    Under row-level security no index can serve `@>` on the column itself, so filters go to the side
    table `(tenant_id, …, owner)`. The row stays the one truth: the database copies it, nobody else may.
    """
    if column == "tags":
        copied, names = f"select distinct unnest(new.{column})", "tag"
    else:
        copied, names = (
            f"select key, value from jsonb_each_text(new.{column}) where value is not null",
            "key, value",
        )
    aliases = ", ".join(f"s.{name}" for name in names.split(", "))
    return [
        f"""
create or replace function copy_{table}_{column}() returns trigger
language plpgsql security definer set search_path = public as $$
begin
  if tg_op = 'UPDATE' then
    delete from {side_table} where tenant_id = old.tenant_id and {owner} = old.id;
  end if;
  insert into {side_table} (tenant_id, {names}, {owner})
    select new.tenant_id, {aliases}, new.id from ({copied}) as s ({names});
  return null;
end $$
""",
        f"""
create trigger copy_{column}_on_insert after insert on {table} for each row
when (new.{column} <> '{{}}') execute function copy_{table}_{column}()
""",
        f"""
create trigger copy_{column}_on_update after update of {column} on {table} for each row
when (new.{column} is distinct from old.{column}) execute function copy_{table}_{column}()
""",
    ]
