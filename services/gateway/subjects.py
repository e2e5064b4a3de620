"""Which incidents a child is in, and which other subjects it was found to be."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import driver_of

MOST = 100
"""Subjects that one child may be found to be before something is plainly wrong."""


async def incidents_with(connection: AsyncConnection, subject: str) -> list[str]:
    """The incidents that the subject is in, as corrected, the first one first."""
    driver = await driver_of(connection)
    rows = await driver.fetch("select id from incident where subjects @> array[$1] order by opened_at, id", subject)
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
