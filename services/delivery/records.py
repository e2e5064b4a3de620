"""Which part of a feed went to its agency, how and when; what the agency said it has; and how it stands now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.feeds import WITHHELD, Outbound
from services.delivery.feeds import decoded
from shared.database import Database, Transaction, driver_of

TEST_EVERY = timedelta(minutes=15)
"""Of the business clock: how often a standing test goes through each agency's whole path."""

SILENT_AFTER = 2 * TEST_EVERY
"""A test that is older than this and was not seen makes its agency silent."""

_HANDED = """
    insert into handed_over (agency, way, first, last, withheld, at, "offset") values ($1, $2, $3, $4, $5, $6, $7)
    """
_HEARD = """
    insert into seen as s (agency, way, sequence, at) values ($1, $2, $3, $4)
    on conflict (agency, way) do update set
        sequence = greatest(s.sequence, excluded.sequence), at = greatest(s.at, excluded.at)
    """
_STATE = """
    select h.last, h.edition, o.sequence as published, h.tested_at,
        (select max(sequence) from seen s where s.agency = h.agency) as seen,
        (select max(at) from seen s where s.agency = h.agency) as seen_at,
        (select f.sequence from feed f where f.agency = h.agency and f.type = 'feed.tested.v1'
            order by f.sequence desc limit 1) as test
    from feed_head h left join outbound o using (agency) where h.agency = $1
    """
_SILENT = """
    select h.agency from feed_head h
    where exists (
        select from feed f where f.agency = h.agency and f.type = 'feed.tested.v1' and f.at < $1
            and f.sequence > coalesce((select max(s.sequence) from seen s where s.agency = h.agency), 0)
    )
    order by h.agency
    """
_DELIVERIES = """
    select f.agency, f.sequence, f.type, f.partnership, f.redacted, f.at, k.event, h.way, min(h.at) as first,
        count(h.id) as times
    from feed f join kept k on k.id = f.kept
    left join handed_over h on h.agency = f.agency and f.sequence between h.first and h.last
        and f.sequence <> all(h.withheld)
    where f.subject = $1
    group by f.agency, f.sequence, f.type, f.partnership, f.redacted, f.at, k.event, h.way
    order by f.agency, f.sequence, h.way
    """


async def handed(
    tx: Transaction, agency: str, way: str, items: Sequence[Outbound], now: datetime, offset: int | None = None
) -> None:
    """Record what goes to an agency now; in the place of a tombstone nothing did."""
    hidden = [item.sequence for item in items if item.type == WITHHELD.wire_type]
    place = (items[0].sequence, items[-1].sequence, hidden, now, offset)
    await tx.driver.execute(_HANDED, agency, way, *place)


async def heard(tx: Transaction, agency: str, way: str, sequence: int, now: datetime) -> None:
    """An agency said that it has its feed up to a number."""
    await tx.driver.execute(_HEARD, agency, way, sequence, now)


async def replayed(tx: Transaction, agency: str, after: int, until: int, token: str, now: datetime) -> None:
    """An agency asked to have its feed again."""
    await tx.driver.execute(
        "insert into replayed (agency, after, until, token, at) values ($1, $2, $3, $4, $5)",
        *(agency, after, until, token, now),
    )


async def state(database: Database, agency: str) -> dict[str, Any]:
    """How a feed stands: what there is, what its agency has, its lag, and its last standing test."""
    async with database.reading() as connection:
        row = await (await driver_of(connection)).fetchrow(_STATE, agency)
    if row is None:
        return {"agency": agency, "last": 0, "seen": 0, "lag": 0, "published": 0, "lastTest": None}
    seen = row["seen"] or 0
    test = {"sequence": row["test"], "at": _iso(row["tested_at"]), "seen": seen >= (row["test"] or 0)}
    return {
        "agency": agency,
        "last": row["last"],
        "seen": seen,
        "lastSeenAt": _iso(row["seen_at"]),
        "lag": row["last"] - seen,
        "published": row["published"] or 0,
        "edition": row["edition"],
        "lastTest": test if row["test"] else None,
    }


async def silent(database: Database, now: datetime) -> list[str]:
    """The agencies that have not seen a standing test that is older than half an hour."""
    async with database.reading() as connection:
        rows = await (await driver_of(connection)).fetch(_SILENT, now - SILENT_AFTER)
    return [agency for (agency,) in rows]


async def unpublished(database: Database) -> float:
    """Events that their agencies' topics do not have yet; a topic that is to be written anew lacks them all."""
    async with database.reading() as connection:
        found = await (await driver_of(connection)).fetchval(
            """
            select coalesce(sum(case when o.edition = h.edition then h.last - o.sequence else h.last end), 0)
            from feed_head h left join outbound o using (agency)
            """
        )
    return float(found)


async def deliveries(database: Database, incident: str) -> Sequence[dict[str, Any]]:
    """Who was given which fact about an incident, when first, over which way and how often. No content."""
    async with database.reading() as connection:
        rows = await (await driver_of(connection)).fetch(_DELIVERIES, incident)
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault((row["agency"], row["sequence"]), _delivery(row))
        if row["way"]:
            one["ways"].append({"way": row["way"], "first": _iso(row["first"]), "times": row["times"]})
    return list(found.values())


def _delivery(row: Any) -> dict[str, Any]:
    return {
        "agency": row["agency"],
        "sequence": row["sequence"],
        "event": decoded(row["event"]).id,
        "type": row["type"],
        "partnership": row["partnership"],
        "redacted": [f"/data/{name}" for name in row["redacted"]],
        "appendedAt": _iso(row["at"]),
        "ways": [],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
