"""Proposals on `submissions.<service>`: decided by the owner of the stream, each with one verdict in the end.

A proposal carries the version of its incident that the gateway had; it is decided once this service has folded that
far. One that the decider lets wait is tried again whenever its incident or its stream has moved on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.catalogue import INCIDENTS
from contracts.envelope import AnyEvent
from contracts.sealing import Model
from contracts.submissions import SubmissionAnswered, Verdict
from shared.consumer.errors import Unfit, certain, mended_by_time, reason_of
from shared.consumer.parking import BEHIND, Parking
from shared.consumer.positions import hold
from shared.consumer.reactions import Ahead, Reactions, Work, Workplace
from shared.consumer.reader import PAUSES
from shared.consumer.records import Record
from shared.consumer.tables import waiting
from shared.database import Database, Transaction, Wake, driver_of
from shared.decider import Aggregate, Outcome, Refused, Waiting

log = logging.getLogger(__name__)

Judge = Callable[[AnyEvent, Work], Awaitable[Sequence[AnyEvent]]]
"""Loads, decides, saves; returns the facts, or raises `Refused` or `Waiting` before anything was recorded."""

FACTS_ON_THEIR_WAY = "facts of the incident that are still on their way to this service"
TELL_AFTER_SECONDS = 1.0
POLL_SECONDS = 0.5
"""Every change that could end a wait wakes the loop at once; the poll, while anything waits, is the net below it."""

IDLE_SECONDS = 5.0
"""While nothing waits: another process may have been ended before it looked after what it had let wait."""


def _answers(state: tuple[SubmissionAnswered, ...], fact: AnyEvent) -> tuple[SubmissionAnswered, ...]:
    return (*state, fact.data)


def _never(*_: Any) -> Sequence[Outcome]:
    raise NotImplementedError("an answer is recorded, not proposed")


ANSWERS: Aggregate[tuple[SubmissionAnswered, ...]] = Aggregate((), _never, _answers)
"""The stream of a submission, named for it: the answers given so far."""


class Submissions:
    """One service's proposals: `handle` is the reaction to its topic, `run` the loop that tries again what waits."""

    def __init__(
        self,
        workplace: Workplace,
        database: Database,
        parking: Parking,
        judge: Judge,
        stream_of: Callable[[AnyEvent], str],
        *,
        follows: str = INCIDENTS,
        topic: str | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        self.workplace = workplace
        self.database = database
        self.topic = topic or f"submissions.{workplace.service}"
        self._parking = parking
        self._judge = judge
        self._stream_of = stream_of
        self._follows = follows
        self._ahead = ahead
        self._moved = Wake()

    def register(self, reactions: Reactions) -> None:
        """Have the reader hand over every proposal. None passes without a verdict because its type is unknown here."""
        reactions.on(self.topic)(self.handle)
        reactions.ahead(self.topic, self.read_ahead)
        reactions.unpassable.add(self.topic)

    def wake(self) -> None:
        """Something was committed that could end a wait; the reader's `after`."""
        self._moved.fire()

    async def read_ahead(self, proposals: Sequence[AnyEvent], tx: Transaction) -> None:
        """What deciding these will need: the streams, the answers given, and how far their subjects are folded."""
        sound = [each for each in proposals if each.submission is not None and each.subject is not None]
        wanted = {stream for each in sound for stream in (str(each.submission), self._stream_of(each))}
        await self.workplace.log.read_ahead(tx, wanted)
        subjects = list({str(each.subject) for each in sound})
        for subject, folded, overtaken in await tx.driver.fetch(_STANDING, self._follows, subjects):
            tx.known["standing", subject] = (folded, overtaken)
        if self._ahead:
            await self._ahead(sound, tx)

    async def handle(self, proposal: AnyEvent, work: Work) -> None:
        """Decide a proposal and answer it, in one transaction, or let it wait for what it builds on."""
        if proposal.submission is None or proposal.subject is None or work.origin is None:
            raise Unfit("it is no submission")
        given, _ = await work.load(ANSWERS, proposal.submission)
        if _has_verdict(given):
            return
        needs = proposal.streamversion or 0
        folded, overtakes = await self._standing(work.tx, proposal.subject)
        if folded < needs or overtakes:
            await self._keep(proposal, work, needs=needs)
            work.tx.known["standing", proposal.subject] = (folded, True)
        else:
            await self._try(proposal, work, folded)

    async def run(self) -> None:
        """Try again what waits whenever something has moved on, until cancelled."""
        moved = self._moved.listen()
        try:
            while True:
                moved.clear()
                rest = POLL_SECONDS
                try:
                    if await self._anything_waits():
                        await self.try_again()
                        await self._tell()
                    else:
                        rest = IDLE_SECONDS
                except Exception as error:
                    log.warning("what waits could not be tried", extra={"why": reason_of(error)})
                    await asyncio.sleep(POLL_SECONDS)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(rest):
                        await moved.wait()
        finally:
            self._moved.forget(moved)

    async def _anything_waits(self) -> bool:
        async with self.database.reading() as connection:
            driver = await driver_of(connection)
            return bool(await driver.fetchval("select exists (select from reader_waiting)"))

    async def try_again(self) -> None:
        """Decide every waiting proposal whose incident or stream has moved on, each in a transaction of its own."""
        async with self.database.reading() as connection:
            driver = await driver_of(connection)
            ready = [row["id"] for row in await driver.fetch(_READY, self._follows)]
        for number in ready:
            await self._again(number)

    async def _again(self, number: int) -> None:
        failed: Exception | None = None
        for pause in PAUSES:
            await asyncio.sleep(pause)
            try:
                async with self.database.transaction(self.workplace.log) as tx:
                    await self._take_up(tx, number)
                return
            except Exception as error:
                if mended_by_time(error):
                    return  # the next poll tries again
                failed = error
                if certain(error):
                    break
        assert failed is not None
        async with self.database.transaction() as tx:
            row = await _locked(tx, number)
            if row is not None:
                await self._parking.park(tx, _record(row), reason_of(failed))
                await _forget(tx, number)

    async def _take_up(self, tx: Transaction, number: int) -> None:
        row = await _locked(tx, number)
        if row is None:
            return  # another process of this service was here first
        record = _record(row)
        if await self._parking.keys(tx, record.topic, [row["subject"]]):
            await self._parking.park(tx, record, BEHIND)
            await _forget(tx, number)
            return
        proposal = self.workplace.log.decode(row["event"])
        work = await self.workplace.work(tx, proposal, origin=record)
        folded, _ = await self._standing(tx, row["subject"])
        tx.after_commit(self.wake)
        await self._try(proposal, work, folded, row)

    async def _try(self, proposal: AnyEvent, work: Work, folded: int, row: Any = None) -> None:
        try:
            facts = await self._judge(proposal, work)
        except Waiting as wait:
            await self._wait_on(proposal, work, folded, wait.for_what, row)
            return
        except Refused as refused:
            await self._answer(work, proposal, Verdict.REFUSED, faults=refused.faults)
        else:
            ids = tuple(fact.id for fact in facts)
            await self._answer(work, proposal, Verdict.ACCEPTED, facts=ids, marks=tuple(sorted(work.marks)))
        if row is not None:
            await _forget(work.tx, row["id"])

    async def _wait_on(self, proposal: AnyEvent, work: Work, folded: int, for_what: str, row: Any) -> None:
        version = await work.version(self._stream_of(proposal))
        told = list(row["told"]) if row is not None else []
        if for_what not in told:
            await self._answer(work, proposal, Verdict.WAITING, waiting_for=for_what)
            told.append(for_what)
        if row is None:
            await self._keep(proposal, work, tried=(folded, version), told=told)
        else:
            await work.tx.driver.execute(_TRIED, row["id"], folded, version, told)

    async def _keep(
        self,
        proposal: AnyEvent,
        work: Work,
        *,
        needs: int | None = None,
        tried: tuple[int | None, int | None] = (None, None),
        told: Sequence[str] = (),
    ) -> None:
        record = work.origin
        assert record is not None
        row = (proposal.submission, proposal.subject, self._stream_of(proposal), needs, *tried, told)
        origin = (record.topic, record.partition, record.offset, record.producer, record.position, record.value)
        await work.tx.driver.execute(_KEEP, *row, *origin)
        work.tx.after_commit(self.wake)

    async def _answer(self, work: Work, proposal: AnyEvent, verdict: Verdict, **more: Any) -> None:
        await work.load(ANSWERS, str(proposal.submission))
        answer: Model = SubmissionAnswered(submission=str(proposal.submission), verdict=verdict, **more)
        await work.record(str(proposal.submission), [Outcome(answer, time=work.now)], acting=False)

    async def _standing(self, tx: Transaction, subject: str) -> tuple[int, bool]:
        """How far a subject is folded here, and whether an earlier proposal about it still waits for its facts."""
        known: tuple[int, bool] | None = tx.known.get(("standing", subject))
        if known is None:
            _, folded, overtaken = await tx.driver.fetchrow(_STANDING, self._follows, [subject])
            known = (folded, overtaken)
        return known

    async def _tell(self) -> None:
        """Tell the senders of what has waited over a second for the incident's facts that it does."""
        async with self.database.reading() as connection:
            driver = await driver_of(connection)
            untold = [row["id"] for row in await driver.fetch(_UNTOLD, FACTS_ON_THEIR_WAY, TELL_AFTER_SECONDS)]
        for number in untold:
            async with self.database.transaction(self.workplace.log) as tx:
                row = await _locked(tx, number)
                if row is None or row["needs"] is None or FACTS_ON_THEIR_WAY in row["told"]:
                    continue
                proposal = self.workplace.log.decode(row["event"])
                work = await self.workplace.work(tx, proposal)
                await self._answer(work, proposal, Verdict.WAITING, waiting_for=FACTS_ON_THEIR_WAY)
                told = [*row["told"], FACTS_ON_THEIR_WAY]
                await tx.driver.execute("update reader_waiting set told = $2 where id = $1", number, told)


_STANDING = """
    select asked.subject, coalesce(f.version, 0),
        exists (select from reader_waiting w where w.subject = asked.subject and w.needs is not null)
    from unnest($2::text[]) as asked (subject)
    left join reader_folded f on f.topic = $1 and f.subject = asked.subject
    """
_KEEP = """
    insert into reader_waiting (submission, subject, stream, needs, tried_subject, tried_stream, told,
        topic, partition, "offset", producer, position, event)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    """
_TRIED = """
    update reader_waiting set needs = null, tried_subject = $2, tried_stream = $3, told = $4 where id = $1
    """
_READY = """
    select w.id from reader_waiting w
    left join reader_folded f on f.topic = $1 and f.subject = w.subject
    where case when w.needs is null
        then coalesce(f.version, 0) > w.tried_subject
            or (select coalesce(max(version), 0) from fact where stream = w.stream) > w.tried_stream
        else coalesce(f.version, 0) >= w.needs and not exists (
            select from reader_waiting e
            where e.subject = w.subject and e.id < w.id and e.needs > coalesce(f.version, 0)
        ) end
    order by w.id
    """
_UNTOLD = """
    select id from reader_waiting
    where needs is not null and not ($1 = any(told))
        and arrived_at < clock_timestamp() - make_interval(secs => $2)
    order by id
    """


def _has_verdict(given: Sequence[SubmissionAnswered]) -> bool:
    return any(answer.verdict is not Verdict.WAITING for answer in given)


async def _locked(tx: Transaction, number: int) -> Any:
    """The waiting proposal, its partition's position held first: the order in which the reader and a replay lock."""
    source = await tx.driver.fetchrow("select topic, partition, producer from reader_waiting where id = $1", number)
    if source is None:
        return None
    await hold(tx, [tuple(source)])
    return await tx.driver.fetchrow("select * from reader_waiting where id = $1 for update", number)


async def _forget(tx: Transaction, number: int) -> None:
    await tx.driver.execute("delete from reader_waiting where id = $1", number)


def _record(row: Any) -> Record:
    names = ("topic", "partition", "offset", "subject", "event", "arrived_at", "producer", "position")
    return Record(*(row[name] for name in names))


async def proposals_waiting(connection: AsyncConnection) -> int:
    """Signal: how many proposals wait, for facts on their way or because their decider lets them."""
    return int((await connection.execute(select(func.count()).select_from(waiting))).scalar_one())


async def proposals_pending(connection: AsyncConnection) -> int:
    """How many of them wait for facts that are still on their way: while there are any, a stack is not quiet."""
    pending = select(func.count()).select_from(waiting).where(waiting.c.needs.is_not(None))
    return int((await connection.execute(pending)).scalar_one())


async def oldest_waiting(connection: AsyncConnection) -> float:
    """Signal: for how many seconds the oldest of them has waited; 0 if there are none."""
    since = func.extract("epoch", func.clock_timestamp() - func.min(waiting.c.arrived_at))
    return float((await connection.execute(select(since).select_from(waiting))).scalar_one() or 0.0)
