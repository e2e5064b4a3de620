"""Feeds as they grow: a fact is kept once, and given its number in the feed of each agency for which it exists.

Everything here is done in the reader's own transaction, under one lock: a sequence has no gaps, a crash repeats and
loses nothing, and no fact can slip between an incident's opening to an agency and the past that it is then given.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from contracts.access import Matter
from contracts.catalogue import CATALOGUE, topic_of
from contracts.decoding import decode
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.feeds import TESTED, shown
from contracts.matters import incidents_of
from services.delivery.rights import Matters, Recall, Sight, is_open, sight
from shared.database import Transaction

ONE_WRITER = 0xFEED
"""An advisory lock's number. Flows of several topics write the same feeds at once: they take turns."""

PAGE = 500

_MATTER = TypeAdapter(Matter)
_KEEP = "insert into kept (topic, subject, type, event_id, event) values ($1, $2, $3, $4, $5) returning id"
_KEEP_MATTER = """
    insert into matter (incident, folded, host) values ($1, $2, $3)
    on conflict (incident) do update set folded = excluded.folded
    """
_APPEND = """
    with given as (
        insert into feed_head as h (agency, last) select a, 1 from unnest($1::text[]) a order by a
        on conflict (agency) do update set last = h.last + 1
        returning agency, last
    )
    insert into feed (agency, sequence, kept, subject, type, partnership, redacted, at)
    select g.agency, g.last, $3, $4, $5, $6, string_to_array(r.redacted, ' '), $7
    from given g join unnest($1::text[], $2::text[]) as r (agency, redacted) using (agency)
    """
_NARROWED = """
    insert into feed_head as h (agency, edition) select a, 1 from unnest($1::text[]) a order by a
    on conflict (agency) do update set edition = h.edition + 1
    """
_WIDENED = "update feed_head set edition = edition + 1 where agency = any($1::text[]) and edition > 0"
_SINCE = """
    select k.id, k.event, r.event_id is not null as recalled, r.recipients
    from kept k left join recalled r on r.event_id = k.event_id and r.subject = k.subject
    where k.subject = $2 and k.id > greatest($3, coalesce((
        select kept from feed where agency = $1 and subject = $2 and type not like 'incident.recalled.%'
        order by sequence desc limit 1), 0))
      and not exists (select from feed f where f.agency = $1 and f.subject = $2 and f.kept = k.id)
    order by k.id limit $4
    """


_HOLDERS = """
    select distinct f.agency from feed f join kept k on k.id = f.kept
    where k.event_id = $1 and f.subject = $2
    """


async def lock(tx: Transaction) -> None:
    """Be the one who writes feeds until the transaction ends."""
    await tx.driver.execute("select pg_advisory_xact_lock($1)", ONE_WRITER)


async def matters(driver: Any, incidents: Iterable[str]) -> Matters:
    """Those of these incidents that are known."""
    asked = sorted(set(incidents))
    if not asked:
        return Matters()
    rows = await driver.fetch("select incident, folded, host from matter where incident = any($1::text[])", asked)
    return Matters({row[0]: _matter(row[1]) for row in rows}, {row[0]: row[2] for row in rows})


@lru_cache(maxsize=4096)
def _matter(folded: bytes) -> Matter:
    return _MATTER.validate_json(folded)


@lru_cache(maxsize=2048)
def decoded(content: bytes) -> AnyEvent:
    """A kept fact; the newest are asked for again and again, by every reader."""
    return decode(content)


async def keep(tx: Transaction, fact: AnyEvent) -> int:
    """Keep a fact as it came; its number in the order of coming."""
    number: int = await tx.driver.fetchval(_KEEP, *_kept(fact))
    return number


def _kept(fact: AnyEvent) -> tuple[Any, ...]:
    return topic_of(fact), fact.subject, fact.type, fact.id, fact.to_json()


async def keep_matter(tx: Transaction, incident: str, matter: Matter, host: str) -> None:
    """Remember an incident as it is folded now; its host is given once, and stays."""
    await tx.driver.execute(_KEEP_MATTER, incident, _MATTER.dump_json(matter), host)


async def recall(tx: Transaction, event: str, subject: str, taken: Recall) -> frozenset[str]:
    """Remember that a fact was taken back; the agencies in whose feeds it stands."""
    recipients = None if taken.recipients is None else sorted(taken.recipients)
    await tx.driver.execute(
        # Taken back twice, it is taken from whom either says; without recipients, from everybody but the authority.
        "insert into recalled as r (event_id, subject, recipients) values ($1, $2, $3)"
        " on conflict (event_id, subject) do update set recipients = case"
        " when r.recipients is null or excluded.recipients is null then null"
        " else r.recipients || excluded.recipients end",
        *(event, subject, recipients),
    )
    rows = await tx.driver.fetch(_HOLDERS, event, subject)
    return frozenset(agency for (agency,) in rows)


def recall_of(row: Any) -> Recall | None:
    """What a row that was read with `recalled` says of its fact."""
    if not row["recalled"]:
        return None
    return Recall(None if row["recipients"] is None else frozenset(row["recipients"]))


async def append(tx: Transaction, number: int, fact: AnyEvent, to: Mapping[str, Sight], now: datetime) -> None:
    """Give a kept fact the next number in each of these feeds."""
    if to:
        agencies = sorted(to)
        taken_out = [" ".join(_redacted(fact, to[agency])) for agency in agencies]
        about = (number, fact.subject, fact.type, fact.partnership, now)
        await tx.driver.execute(_APPEND, agencies, taken_out, *about)


def _redacted(fact: AnyEvent, seen: Sight) -> list[str]:
    whole = fact.data.model_dump(mode="json", by_alias=True, exclude_none=True)
    kept = shown(CATALOGUE[fact.name], seen.fields, fact.major, whole)
    return [name for name in whole if name not in kept]


async def give_past(tx: Transaction, directory: Directory, agency: str, incident: str, now: datetime) -> None:
    """Append what is kept of an incident and lies behind the last that the agency has of it, in the order of coming.

    So a new participant gets all of its past, one let in again what came meanwhile, and no order is ever broken.
    """
    after = 0
    while rows := await tx.driver.fetch(_SINCE, agency, incident, after, PAGE):
        for row in rows:
            fact = decoded(row["event"])
            known = await matters(tx.driver, incidents_of(fact))
            seen = sight(directory, agency, fact, known, recall=recall_of(row))
            if seen is not None:
                await append(tx, row["id"], fact, {agency: seen}, now)
            after = row["id"]
        if len(rows) < PAGE:
            return


async def narrowed(tx: Transaction, agencies: Collection[str]) -> None:
    """Say that something was taken from these agencies' rights: open streams end, and topics are written anew."""
    if agencies:
        await tx.driver.execute(_NARROWED, sorted(agencies))


async def widened(tx: Transaction, agencies: Collection[str]) -> None:
    """Say that these agencies' rights gained: a topic with tombstones is written anew, without those of them."""
    if agencies:
        await tx.driver.execute(_WIDENED, sorted(agencies))


async def open_to(tx: Transaction, directory: Directory, agency: str) -> AsyncIterator[str]:
    """Every known incident that is open to an agency, a page at a time."""
    after = ""
    while True:
        rows = await tx.driver.fetch(
            "select incident, folded from matter where incident > $1 order by incident limit $2", after, PAGE
        )
        for incident, folded in rows:
            if is_open(directory, agency, _matter(folded)):
                yield incident
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


async def append_test(tx: Transaction, agency: str, partnership: str, now: datetime) -> None:
    """Append a standing test to one agency's feed."""
    await tx.driver.execute(_APPEND, [agency], [""], None, None, TESTED.wire_type, partnership, now)
    await tx.driver.execute("update feed_head set tested_at = $2 where agency = $1", agency, now)
