"""Which part of a feed went to its agency, how and when; what the agency said it has; and how it stands now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from contracts.directory import Agency
from contracts.feeds import WITHHELD, Outbound
from services.delivery.known import decoded
from shared.database import Database, Transaction, driver_of
from shared.listed import directory

TEST_EVERY = timedelta(minutes=15)
"""Of the business clock: how often a standing test goes through each agency's whole path."""

SILENT_AFTER = 2 * TEST_EVERY
"""A test that is older than this and was not seen makes its agency silent."""

_HANDED = """
    insert into handed_over (agency, way, first, last, withheld, at, "offset") values ($1, $2, $3, $4, $5, $6, $7)
    """
_SENDING = """
    insert into handed_over (agency, way, first, last, withheld, at)
    select $1::text, 'kafka', $2::bigint, $3::bigint, $4::bigint[], $5::timestamptz
    where not exists (
        select from handed_over
        where agency = $1 and way = 'kafka' and first = $2 and last = $3 and withheld = $4 and "offset" is null
    )
    """
_TAKEN = """
    insert into taken (agency, "offset", at) select $1::text, $2::bigint, $3::timestamptz
    where not exists (select from taken where agency = $1 and "offset" >= $2)
    """
_HEARD = """
    insert into seen as s (agency, way, sequence, at) values ($1, $2, $3, $4)
    on conflict (agency, way) do update set
        sequence = greatest(s.sequence, excluded.sequence), at = greatest(s.at, excluded.at)
    """
_CAME_BACK = """
    insert into acknowledged (agency, at, sequence) select $1::text, $3::timestamptz, $2::bigint
    where $2 > 0 and $2 is distinct from
        (select sequence from acknowledged where agency = $1 order by at desc, sequence desc limit 1)
    on conflict do nothing
    """
_STATE = """
    select h.agency, h.last, h.edition, o.sequence as published, h.tested_at,
        (select max(sequence) from seen s where s.agency = h.agency) as seen,
        (select max(at) from seen s where s.agency = h.agency) as seen_at,
        (select f.sequence from feed f where f.agency = h.agency and f.type = 'feed.tested.v1'
            order by f.sequence desc limit 1) as test,
        r.after, r.until, r.at as replayed_at
    from feed_head h left join outbound o using (agency)
    left join lateral (select * from replayed where agency = h.agency order by id desc limit 1) r on true
    where $1::text is null or h.agency = $1
    order by h.agency
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
        count(h.id) filter (where h.way <> 'kafka' or h."offset" is not null) as times,
        min(coalesce(t.at, a.at)) as taken
    from feed f join kept k on k.id = f.kept
    left join handed_over h on h.agency = f.agency and f.sequence between h.first and h.last
        and f.sequence <> all(h.withheld)
    left join lateral (
        select at from taken where agency = h.agency and "offset" > h."offset" + f.sequence - h.first and at >= h.at
        order by "offset" limit 1
    ) t on h.way = 'kafka' and h."offset" >= 0
    left join lateral (
        select at from acknowledged where agency = h.agency and sequence >= f.sequence and at >= h.at
        order by at limit 1
    ) a on h.way <> 'kafka'
    where f.subject = $1
    group by f.agency, f.sequence, f.type, f.partnership, f.redacted, f.at, k.event, h.way
    order by f.agency, f.sequence, h.way
    """


async def handed(
    tx: Transaction, agency: str, way: str, items: Sequence[Outbound], now: datetime, offset: int | None = None
) -> None:
    """Record what goes to an agency now; in the place of a tombstone nothing did."""
    await tx.driver.execute(_HANDED, agency, way, *_extent(items), now, offset)


async def sending(tx: Transaction, agency: str, items: Sequence[Outbound], now: datetime) -> None:
    """Record, before it is sent, what Kafka is about to be given: once, however often it must be sent again.

    Killed before the broker's answer was recorded, delivery may find rights narrowed and send tombstones instead: this
    row is then all that tells of the first time.
    """
    await tx.driver.execute(_SENDING, agency, *_extent(items), now)


async def taken(tx: Transaction, agency: str, offset: int, now: datetime) -> None:
    """An agency's consumers have committed so far on its topic: what lies before is received."""
    await tx.driver.execute(_TAKEN, agency, offset, now)


def _extent(items: Sequence[Outbound]) -> tuple[int, int, list[int]]:
    hidden = [item.sequence for item in items if item.type == WITHHELD.wire_type]
    return items[0].sequence, items[-1].sequence, hidden


async def heard(tx: Transaction, agency: str, way: str, sequence: int, now: datetime) -> None:
    """An agency said that it has its feed up to a number; over HTTPS with its cursor, and each time counts."""
    await tx.driver.execute(_HEARD, agency, way, sequence, now)
    if way != "kafka":
        await tx.driver.execute(_CAME_BACK, agency, sequence, now)


async def replayed(tx: Transaction, agency: str, after: int, until: int, token: str, now: datetime) -> None:
    """An agency asked to have its feed again."""
    await tx.driver.execute(
        "insert into replayed (agency, after, until, token, at) values ($1, $2, $3, $4, $5)",
        *(agency, after, until, token, now),
    )


async def state(database: Database, agency: str) -> dict[str, Any]:
    """How a feed stands: what there is, what its agency has, its lag, its last standing test and its last replay."""
    async with database.reading() as connection:
        row = await (await driver_of(connection)).fetchrow(_STATE, agency)
    return _stands(row) if row else {"agency": agency, "last": 0, "seen": 0, "lag": 0, "published": 0, "lastTest": None}


async def states(database: Database, now: datetime) -> list[dict[str, Any]]:
    """How every feed stands, with whose it is, whom to ring about it, and whether it is silent; for operators."""
    quiet = set(await silent(database, now))
    async with database.reading() as connection:
        agencies = (await directory(connection)).agencies
        rows = await (await driver_of(connection)).fetch(_STATE, None)
    return [_whose(agencies.get(row["agency"])) | _stands(row) | {"silent": row["agency"] in quiet} for row in rows]


def _whose(agency: Agency | None) -> dict[str, Any]:
    """Nothing of an agency that was withdrawn: its feed stays."""
    return {"name": agency.name, "technical": agency.contacts.get("technical")} if agency else {"withdrawn": True}


def _stands(row: Any) -> dict[str, Any]:
    seen = row["seen"] or 0
    test = {"sequence": row["test"], "at": _iso(row["tested_at"]), "seen": seen >= (row["test"] or 0)}
    replay = {"from": (row["after"] or 0) + 1, "until": row["until"], "at": _iso(row["replayed_at"])}
    return {
        "agency": row["agency"],
        "last": row["last"],
        "seen": seen,
        "lastSeenAt": _iso(row["seen_at"]),
        "lag": row["last"] - seen,
        "published": row["published"] or 0,
        "edition": row["edition"],
        "lastTest": test if row["test"] else None,
        "lastReplay": replay if row["replayed_at"] else None,
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
    """Who was given which fact about an incident, when first, over which way, how often, and since when it has it.

    It has it (`taken`) once, after it was given, its consumers committed behind it over Kafka, or it came back with a
    cursor behind it over HTTPS. Over Kafka nought times means that the sending was broken off: whether the broker had
    it is not known. No content.
    """
    async with database.reading() as connection:
        rows = await (await driver_of(connection)).fetch(_DELIVERIES, incident)
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault((row["agency"], row["sequence"]), _delivery(row))
        if row["way"]:
            times = {"first": _iso(row["first"]), "times": row["times"], "taken": _iso(row["taken"])}
            one["ways"].append({"way": row["way"]} | times)
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
