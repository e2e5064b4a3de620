"""Which incidents a child is in, which other subjects it was found to be, and from whom its addresses are kept."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import driver_of

MOST = 100
"""Subjects that one child may be found to be before something is plainly wrong."""


async def incidents_with(connection: AsyncConnection, subject: str) -> list[str]:
    """The incidents that the subject is in, as corrected, the first one first."""
    driver = await driver_of(connection)
    rows = await driver.fetch(
        "select id from incident where subjects @> array[$1] and state::jsonb -> 'subjects' ? $1"
        " order by opened_at, id",
        subject,
    )
    return [row[0] for row in rows]


async def joined_with(connection: AsyncConnection, incidents: Sequence[str], subject: str) -> list[str]:
    """The subjects to which a merge in one of these incidents joins this one directly."""
    driver = await driver_of(connection)
    rows = await driver.fetch(
        "select distinct jsonb_array_elements_text(state::jsonb -> 'joined' -> $2::text) from incident"
        " where id = any($1::text[]) order by 1",
        *(list(incidents), subject),
    )
    return [row[0] for row in rows]


_ALLEGED_SIDE = """
    with recursive child (subject) as (
        select unnest(subjects) from incident where id = any($1::text[])
        union
        select found from child join incident on subjects @> array[subject]
            cross join jsonb_array_elements_text(state::jsonb -> 'joined' -> subject) as found
    )
    select exists (
        select from incident cross join unnest(alleged) as side
        where split_part(side, '/', 1) = $2
            and (id = any($1::text[]) or exists (select from child where subjects @> array[subject]))
    )
    """


async def alleged_side(connection: AsyncConnection, agency: str, incidents: Sequence[str]) -> bool:
    """Whether an agency is an alleged perpetrator's side to anybody in these incidents: here, or in any other incident
    that the same child is in, or one that it was found to be. It learns no address of theirs, whichever way it asks.

    A correction can leave a child out and give the same one another id; what it was found to be before counts on.
    """
    driver = await driver_of(connection)
    return bool(await driver.fetchval(_ALLEGED_SIDE, list(incidents), agency))
