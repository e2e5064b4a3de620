"""Reads a feed a page at a time, each event as today's agreement shows it; what may not be seen is a tombstone."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from contracts.directory import Directory
from contracts.feeds import TESTED, Outbound, outbound, standing_test, withheld
from contracts.matters import incidents_of
from services.delivery.heads import Head
from services.delivery.known import decoded, matters, recall_of
from services.delivery.reach import Reach, reach
from services.delivery.rights import Matters, told_of_recall
from shared.database import Database, driver_of
from shared.listed import directory

PAGE_BYTES = 1_000_000
"""The most that one page takes in, unless a single event is larger: a slow reader costs one page."""

_ROWS = f"""
    select sequence, partnership, type, at, event, recalled, recipients from (
        select f.*, k.event, r.event_id is not null as recalled, r.recipients,
            sum(coalesce(octet_length(k.event), 0)) over (order by f.sequence) as size
        from (
            select sequence, kept, partnership, type, at from feed
            where agency = $1 and sequence > $2 order by sequence limit $3
        ) f left join kept k on k.id = f.kept
        left join recalled r on r.event_id = k.event_id and r.subject = k.subject
    ) page
    where size <= {PAGE_BYTES} or sequence = $2 + 1
    order by sequence
    """  # noqa: S608 - a number of ours
_HEAD = "select last, edition from feed_head where agency = $1"


class Known(Enum):
    """Whether there is such a feed: its agency is listed, is not (any more), or nobody is known yet."""

    LISTED = "listed"
    NOT_LISTED = "not listed"
    NOTHING_YET = "nothing yet"


@dataclass(frozen=True)
class Page:
    """Some of a feed, in order, and where the feed stood at that moment. Of an unlisted agency all is withheld."""

    items: tuple[Outbound, ...]
    head: Head
    known: Known = Known.LISTED

    @property
    def first(self) -> int:
        return self.items[0].sequence

    @property
    def last(self) -> int:
        return self.items[-1].sequence


async def read(
    database: Database, agency: str, after: int, limit: int, partnerships: Collection[str] | None = None
) -> Page:
    """What stands behind `after`, at most `limit` events and a megabyte.

    `partnerships`: how far the reader's token reaches; Kafka's topic is the agency's own, and reaches all of its.
    """
    async with database.reading() as connection:
        driver = await driver_of(connection)
        listed = await directory(connection)
        head = await driver.fetchrow(_HEAD, agency)
        rows = await driver.fetch(_ROWS, agency, after, limit)
        named = {name for row in rows if row["event"] for name in incidents_of(decoded(row["event"]))}
        known = await matters(driver, named)
    items = tuple(_shown(reach(listed), agency, row, known, partnerships) for row in rows)
    return Page(items, Head(*head) if head else Head(), _known(listed, agency))


def _known(listed: Directory, agency: str) -> Known:
    if agency in listed.agencies:
        return Known.LISTED
    return Known.NOT_LISTED if listed.edition else Known.NOTHING_YET


def _shown(of: Reach, agency: str, row: Any, known: Matters, partnerships: Collection[str] | None) -> Outbound:
    place: dict[str, Any] = {"at": row["at"], "partnership": row["partnership"]}
    if row["type"] == TESTED.wire_type:
        return standing_test(agency, row["sequence"], **place)
    fact = decoded(row["event"])
    seen = told_of_recall(fact, of.sight(agency, fact, known, partnerships, recall_of(row)))
    if seen is None:
        return withheld(agency, row["sequence"], **place)
    return outbound(fact, seen.fields, seen.major, sequence=row["sequence"], own=fact.agency == agency)


async def before(database: Database, agency: str, moment: datetime) -> int:
    """The last number given in a feed before a moment; 0 where the feed began later."""
    async with database.reading() as connection:
        found = await (await driver_of(connection)).fetchval(
            "select coalesce(max(sequence), 0) from feed where agency = $1 and at < $2", agency, moment
        )
    return int(found)
