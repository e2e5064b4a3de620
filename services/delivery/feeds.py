"""Feeds as they grow: a fact is kept once, and given its number in the feed of each agency for which it exists.

Everything here is done in the reader's own transaction, under one lock: a sequence has no gaps, a crash repeats and
loses nothing, and no fact can slip between an incident's opening to an agency and the past that it is then given.
What a batch adds is gathered and written together, in as few statements for a hundred facts as for one.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from contracts.access import Matter
from contracts.catalogue import CATALOGUE, INCIDENTS, topic_of
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.feeds import TESTED, shown
from contracts.matters import incidents_of
from contracts.reviews import InformationRequested
from services.delivery.known import decoded, folded, matter, recall_of, remember
from services.delivery.reach import Reach, reach
from services.delivery.rights import Matters, Recall, Sight, is_open
from shared.database import Transaction
from shared.listed import directory

ONE_WRITER = 0xFEED
"""An advisory lock's number. Flows of several topics write the same feeds at once: they take turns."""

PAGE = 500
MOST_GATHERED = 5_000
"""Rows of feeds that wait to be written: the past of many incidents may be opened at once."""

_LOOK = """
    select i.incident, m.folded, m.host, exists (select from kept where subject = i.incident) as begun,
        m.folded is null and exists (select from awaited where incident = i.incident) as awaited
    from unnest($1::text[]) as i (incident) left join matter m using (incident)
    """
_KEEP = """
    insert into kept (topic, subject, type, event_id, event)
    select topic, subject, type, event_id, event
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
        with ordinality as r (topic, subject, type, event_id, event, place)
    order by place returning id
    """
_KEEP_MATTERS = """
    insert into matter (incident, folded, host) select * from unnest($1::text[], $2::bytea[], $3::text[])
    on conflict (incident) do update set folded = excluded.folded
    """
_COUNT = """
    insert into feed_head as h (agency, last) select * from unnest($1::text[], $2::bigint[])
    on conflict (agency) do update set last = h.last + excluded.last
    returning agency, last
    """
_APPEND = """
    insert into feed (agency, sequence, kept, subject, type, partnership, redacted, at)
    select agency, sequence, kept, subject, type, partnership, string_to_array(redacted, ' '), at
    from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::timestamptz[]) as r (agency, sequence, kept, subject, type, partnership, redacted, at)
    """
_NARROWED = """
    insert into feed_head as h (agency, edition) select a, 1 from unnest($1::text[]) a
    on conflict (agency) do update set edition = h.edition + 1
    """
_WIDENED = "update feed_head set edition = edition + 1 where agency = any($1::text[]) and edition > 0"
_TESTED = "update feed_head set tested_at = $2 where agency = any($1::text[])"
_SINCE = """
    select k.id, k.event, r.event_id is not null as recalled, r.recipients
    from kept k left join recalled r on r.event_id = k.event_id and r.subject = k.subject
    where k.subject = $2 and k.id > greatest($3, coalesce((
        select max(kept) from feed where agency = $1 and subject = $2 and type not like 'incident.recalled.%'), 0))
      and not exists (select from feed f where f.agency = $1 and f.subject = $2 and f.kept = k.id)
    order by k.id limit $4
    """
_ASKED = "select event from kept where subject = $1 and type like 'information.requested.%'"
_AWAIT = "insert into awaited (incident, kept) select * from unnest($1::text[], $2::bigint[])"
_AWAITED = "select k.id, k.event from awaited a join kept k on k.id = a.kept where a.incident = $1 order by k.id"
_HOLDERS = """
    select distinct f.agency from feed f join kept k on k.id = f.kept
    where k.event_id = $1 and f.subject = $2
    """


@dataclass(eq=False)
class Kept:
    """A fact as it came. `number`, in the order of coming, is given when it is written; `place` is its own among those
    of an incident that began in this transaction."""

    fact: AnyEvent
    content: bytes
    number: int | None = None
    place: int = 0

    def redacted(self, seen: Sight) -> str:
        """The members of its data that are taken out for who sees that much, with spaces between."""
        if seen.fields.all_but and not seen.fields.named:
            return ""
        kept = shown(CATALOGUE[self.fact.name], seen.fields, self.fact.major, self._whole)
        return " ".join(name for name in self._whole if name not in kept)

    @cached_property
    def _whole(self) -> dict[str, object]:
        return self.fact.data.model_dump(mode="json", by_alias=True, exclude_none=True)  # type: ignore[no-any-return]


class Row(NamedTuple):
    """A place in a feed that has no number yet; a standing test's without a fact."""

    agency: str
    kept: Kept | None
    type: str
    partnership: str
    redacted: str
    at: datetime


class Growth:
    """What one transaction adds to the feeds; made by `growing`, and written before the commit at the latest.

    `known` are the incidents that its facts tell of, as they stand now.
    """

    def __init__(self, tx: Transaction, listed: Directory) -> None:
        self.directory = listed
        self.known = Matters()
        self._tx = tx
        self._looked: set[str] = set()
        self._begun: dict[str, list[Kept]] = {}  # the whole past of those that begin here
        self._given: dict[tuple[str, str], int] = {}  # how much of that each agency has
        self._kept: list[Kept] = []
        self._rows: list[Row] = []
        self._awaiting: list[tuple[str, Kept]] = []  # incidents that facts of others told of before they were known
        self._awaited: set[str] = set()  # those of which that was written
        self._pending: set[str | None] = set()
        self._changed: dict[str, tuple[Matter, str]] = {}
        self._narrowed: set[str] = set()
        self._widened: set[str] = set()

    @property
    def reach(self) -> Reach:
        """Whom facts reach under the directory as it is now."""
        return reach(self.directory)

    async def look(self, facts: Iterable[AnyEvent]) -> None:
        """Know the incidents that these facts tell of."""
        asked = {name for fact in facts for name in incidents_of(fact)} - self._looked
        if not asked:
            return
        self._looked |= asked
        for incident, known, host, begun, awaited in await self._tx.driver.fetch(_LOOK, sorted(asked)):
            if known is not None:
                self.known[incident], self.known.hosts[incident] = matter(known), host
                continue
            if not begun:
                self._begun[incident] = []
            if awaited:
                self._awaited.add(incident)

    def keep(self, fact: AnyEvent, content: bytes) -> Kept:
        """Keep a fact as it came."""
        remember(content, fact)
        past = self._begun.get(fact.subject or "")
        kept = Kept(fact, content, place=len(past or ()))
        if past is not None:
            past.append(kept)
        self._kept.append(kept)
        self._pending.add(fact.subject)
        if topic_of(fact) != INCIDENTS:  # what is said there of two stands in the streams of both
            unknown = incidents_of(fact) - self.known.keys() - {fact.subject}
            self._awaiting += [(incident, kept) for incident in sorted(unknown)]
        return kept

    async def asked_before(self, incident: str) -> frozenset[str]:
        """The agencies that a review was heard to ask before its incident's referral was heard."""
        begun = self._begun.get(incident)
        if begun is not None:
            facts = [kept.fact for kept in begun]
        else:
            await self.write()
            facts = [decoded(event) for (event,) in await self._tx.driver.fetch(_ASKED, incident)]
        return frozenset(fact.data.agency for fact in facts if isinstance(fact.data, InformationRequested))

    def change(self, incident: str, now: Matter, host: str) -> None:
        """Remember an incident as it is folded now; its host is given once, and stays."""
        self.known[incident] = now
        self._changed[incident] = now, self.known.hosts.setdefault(incident, host)

    def append(self, kept: Kept, to: Mapping[str, Sight], now: datetime) -> None:
        """Give a kept fact the next number in each of these feeds."""
        fact, taken_out = kept.fact, {}
        for agency, seen in to.items():
            if seen not in taken_out:
                taken_out[seen] = kept.redacted(seen)
            self._rows.append(Row(agency, kept, fact.type, fact.partnership, taken_out[seen], now))
            if fact.subject in self._begun:
                self._given[agency, fact.subject] = max(kept.place + 1, self._given.get((agency, fact.subject), 0))
        self._pending.add(fact.subject)

    async def append_tests(self, to: Mapping[str, str], now: datetime) -> None:
        """Append a standing test to the feed of each of these agencies, under the partnership that is named."""
        self._rows += [Row(agency, None, TESTED.wire_type, where, "", now) for agency, where in to.items()]
        await self.write()
        await self._tx.driver.execute(_TESTED, list(to), now)

    def narrow(self, agencies: Iterable[str]) -> None:
        """Say that something was taken from these agencies' rights: open streams end, and topics are written anew."""
        self._narrowed |= set(agencies)

    def widen(self, agencies: Iterable[str]) -> None:
        """Say that these agencies' rights gained: a topic with tombstones is written anew, without those of them."""
        self._widened |= set(agencies)

    async def give_past(self, agency: str, incident: str, now: datetime) -> None:
        """Append what is kept of an incident and lies behind the last that the agency has of it, in order of coming.

        So a new participant gets all of its past, one let in again what came meanwhile, and no order is ever broken.
        """
        if incident in self._begun:
            for kept in self._begun[incident][self._given.get((agency, incident), 0) :]:
                self._give(kept, agency, None, now)
            return
        if incident in self._pending or len(self._rows) > MOST_GATHERED:
            await self.write()
        after = 0
        while rows := await self._tx.driver.fetch(_SINCE, agency, incident, after, PAGE):
            past = [(Kept(decoded(row["event"]), row["event"], row["id"]), recall_of(row)) for row in rows]
            await self.look(kept.fact for kept, _ in past)
            for kept, recall in past:
                self._give(kept, agency, recall, now)
            after = rows[-1]["id"]
            if len(rows) < PAGE:
                return

    async def give_late(self, incident: str, now: datetime) -> None:
        """Append what stands under another incident and told of this one before it was known, to all who may see it."""
        late = [kept for name, kept in self._awaiting if name == incident]
        self._awaiting = [(name, kept) for name, kept in self._awaiting if name != incident]
        if incident in self._awaited:
            rows = await self._tx.driver.fetch(_AWAITED, incident)
            late = [Kept(decoded(row["event"]), row["event"], row["id"]) for row in rows] + late
            await self.look(kept.fact for kept in late)
        for kept in late:
            self.append(kept, self.reach.readers(kept.fact, self.known), now)

    def _give(self, kept: Kept, agency: str, recall: Recall | None, now: datetime) -> None:
        seen = self.reach.sight(agency, kept.fact, self.known, recall=recall)
        if seen is not None:
            self.append(kept, {agency: seen}, now)

    async def recall(self, event: str, subject: str, taken: Recall) -> frozenset[str]:
        """Remember that a fact was taken back; the agencies in whose feeds it stands."""
        await self.write()
        self._begun.pop(subject, None)  # its past is not simply what came of it any more
        recipients = None if taken.recipients is None else sorted(taken.recipients)
        await self._tx.driver.execute(
            # Taken back twice, it is taken from whom either says; without recipients, from everybody but the authority.
            "insert into recalled as r (event_id, subject, recipients) values ($1, $2, $3)"
            " on conflict (event_id, subject) do update set recipients = case"
            " when r.recipients is null or excluded.recipients is null then null"
            " else r.recipients || excluded.recipients end",
            *(event, subject, recipients),
        )
        rows = await self._tx.driver.fetch(_HOLDERS, event, subject)
        return frozenset(agency for (agency,) in rows)

    async def open_to(self, agency: str) -> AsyncIterator[str]:
        """Every known incident that is open to an agency, a page at a time."""
        await self.write()
        after = ""
        while True:
            rows = await self._tx.driver.fetch(
                "select incident, folded from matter where incident > $1 order by incident limit $2", after, PAGE
            )
            for incident, known in rows:
                if is_open(self.directory, agency, matter(known)):
                    yield incident
            if len(rows) < PAGE:
                return
            after = rows[-1][0]

    async def write(self) -> None:
        """Write all that was gathered so far."""
        driver = self._tx.driver
        if changed := [(incident, folded(now), host) for incident, (now, host) in self._changed.items()]:
            await driver.execute(_KEEP_MATTERS, *_columns(changed))
        if self._kept:
            facts = [(kept.fact, kept.content) for kept in self._kept]
            told = [(topic_of(fact), fact.subject, fact.type, fact.id, content) for fact, content in facts]
            numbers = sorted(number for (number,) in await driver.fetch(_KEEP, *_columns(told)))
            for kept, number in zip(self._kept, numbers, strict=True):
                kept.number = number
        if awaiting := [(incident, kept.number) for incident, kept in self._awaiting]:
            await driver.execute(_AWAIT, *_columns(awaiting))
            self._awaited |= {incident for incident, _ in awaiting}
        if self._rows:
            await self._append(self._rows)
        if self._narrowed:
            await driver.execute(_NARROWED, sorted(self._narrowed))
        if widened := self._widened - self._narrowed:
            await driver.execute(_WIDENED, sorted(widened))
        self._awaiting.clear()
        for gathered in (self._changed, self._kept, self._rows, self._pending, self._narrowed, self._widened):
            gathered.clear()

    async def _append(self, rows: Sequence[Row]) -> None:
        counts: dict[str, int] = {}
        for row in rows:
            counts[row.agency] = counts.get(row.agency, 0) + 1
        ends = await self._tx.driver.fetch(_COUNT, *_columns(sorted(counts.items())))
        last = {agency: end - counts[agency] for agency, end in ends}
        told = []
        for row in rows:
            last[row.agency] += 1
            of = (row.kept.number, row.kept.fact.subject) if row.kept else (None, None)
            told.append((row.agency, last[row.agency], *of, row.type, row.partnership, row.redacted, row.at))
        await self._tx.driver.execute(_APPEND, *_columns(told))


def _columns(rows: Sequence[Collection[object]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def growing(tx: Transaction, facts: Iterable[AnyEvent] = ()) -> Growth:
    """What this transaction adds to the feeds, with what these facts tell of known. From the first call to its end the
    transaction is the one that writes feeds."""
    here: Growth | None = tx.known.get(Growth)
    if here is None:
        await tx.driver.execute("select pg_advisory_xact_lock($1)", ONE_WRITER)
        here = tx.known[Growth] = Growth(tx, await directory(tx.connection))
        tx.later("feeds", _written, here)
    await here.look(facts)
    return here


async def _written(_: Transaction, several: Sequence[Growth]) -> None:
    for one in several:
        await one.write()
