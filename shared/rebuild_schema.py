"""What lets the runtime role rebuild read models without owning them: two functions that run as the owner."""

from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a service makes no tables, and starts without what migrations need
    from alembic.operations import Operations


def create_rebuild(op: "Operations | ModuleType", runtime_role: str) -> None:
    """Make the schema `shadow` and the functions around it, for the runtime role's use."""
    op.execute("create schema shadow")
    op.execute(f'grant usage on schema shadow to "{runtime_role}"')
    for definition in (_SHADOW, _HOLD, _SWAP):
        op.execute(definition)
    for function in ("shadow_views(text[])", "hold_views(text[])", "swap_views(text[])"):
        op.execute(f"revoke all on function {function} from public")
        op.execute(f'grant execute on function {function} to "{runtime_role}"')


# Each view gets an empty twin of the same name, keys, indexes (with their names) and grants.
_SHADOW = """
create function shadow_views(views text[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    view text;
    deed text;
    twin record;
begin
    if views && array['fact', 'sequence', 'waiting', 'lease', 'published', 'checkpoint'] then
        raise exception 'the log itself is never rebuilt' using errcode = '42501';
    end if;
    foreach view in array views loop
        execute format('drop table if exists shadow.%I', view);
        execute format('create table shadow.%I (like public.%I including all)', view, view);
        foreach deed in array array['select', 'insert', 'update', 'delete'] loop
            if has_table_privilege(session_user, format('public.%I', view), deed) then
                execute format('grant %s on shadow.%I to %I', deed, view, session_user);
            end if;
        end loop;
        for twin in
            select made.relname as made_name, wanted.relname as wanted_name
            from pg_index i join pg_class made on made.oid = i.indexrelid
            join pg_index j on j.indrelid = format('public.%I', view)::regclass
            join pg_class wanted on wanted.oid = j.indexrelid
            where i.indrelid = format('shadow.%I', view)::regclass and made.relname <> wanted.relname
              and split_part(pg_get_indexdef(made.oid), ' USING ', 2) =
                  split_part(pg_get_indexdef(wanted.oid), ' USING ', 2)
              and i.indisunique = j.indisunique and i.indisprimary = j.indisprimary
        loop
            execute format('alter index shadow.%I rename to %I', twin.made_name, twin.wanted_name);
        end loop;
    end loop;
end $$
"""

# Whoever appends writes the views in the same transaction: it has either committed by now, and its facts are seen, or
# it waits here for a view and writes the new one after the swap. The log itself need not be held.
_HOLD = """
create function hold_views(views text[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    view text;
begin
    foreach view in array views loop
        execute format('lock table public.%I in access exclusive mode', view);
    end loop;
end $$
"""

_SWAP = """
create function swap_views(views text[]) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    view text;
begin
    if views && array['fact', 'sequence', 'waiting', 'lease', 'published', 'checkpoint'] then
        raise exception 'the log itself is never rebuilt' using errcode = '42501';
    end if;
    foreach view in array views loop
        execute format('drop table public.%I', view);
        execute format('alter table shadow.%I set schema public', view);
    end loop;
end $$
"""
