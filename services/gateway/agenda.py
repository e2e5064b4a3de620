"""The clocks that run, the next due first, for one agency: a page at a time."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway import queries
from services.gateway.queries import ClockRow, IncidentRow
from shared.database import driver_of

Place = tuple[str, str, str]
"""Due day, incident and clock; what has no day comes last."""

FIRST: Place = ("0001-01-01", "", "")
_NEVER = "9999-12-31"

_RUNNING = f"""
    select c.incident, c.key from clock c join incident i on i.id = c.incident
    where c.running and i.partnership = any($1::text[]) and (i.areas && $2::text[] or i.participants @> array[$3::text])
        and (coalesce(c.due, '{_NEVER}')::text, c.incident, c.key) > ($4::text, $5::text, $6::text)
    order by coalesce(c.due, '{_NEVER}')::text, c.incident, c.key limit $7
    """  # noqa: S608 (a constant of this module)


async def running(
    connection: AsyncConnection,
    *,
    partnerships: Collection[str],
    areas: Collection[str],
    agency: str,
    after: Place = FIRST,
    limit: int = 50,
) -> list[tuple[IncidentRow, ClockRow]]:
    """Clocks neither met nor cancelled in these partnerships' incidents of these areas, or that name the agency."""
    driver = await driver_of(connection)
    found = await driver.fetch(_RUNNING, list(partnerships), list(areas), agency, *after, limit)
    rows: dict[str, IncidentRow | None] = {}
    clocks: dict[tuple[str, str], ClockRow] = {}
    for name in dict.fromkeys(row[0] for row in found):
        rows[name] = await queries.summary(connection, name)
        clocks |= {(name, clock.key): clock for clock in await queries.clocks(connection, name)}
    return [(row, clocks[name, key]) for name, key in found if (row := rows[name]) is not None]


def place_of(row: IncidentRow, clock: ClockRow) -> Place:
    """Where the next page begins."""
    return (clock.due.isoformat() if clock.due else _NEVER, row.id, clock.key)
