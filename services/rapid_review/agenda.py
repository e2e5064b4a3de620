"""What is due here, and when each review next has something to say; what a tick says of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.rapid_review import practice_review, review
from services.rapid_review.streams import PRACTICE, PRACTICE_PREFIX, REVIEW, incident_of, review_of
from services.rapid_review.surroundings import directory_of, of_practice_review, of_review, practice_case
from services.rapid_review.views import dossier_of
from shared.consumer import Work, Workplace
from shared.database import Transaction, driver_of
from shared.days_off import calendar
from shared.decider import Context, Outcome

# Two probes of an index, whatever there is: how many other editions stand there the planner cannot know.
OTHER = """
    (select calendar from agenda where running and calendar < $1 order by calendar limit 1)
    union all (select calendar from agenda where running and calendar > $1 order by calendar limit 1)
    """
_WAKE_CALENDAR = "update agenda set next_at = $2, calendar = $1 where running and calendar <> $1"
_WAKE_PARTNERSHIP = "update agenda set next_at = $2 where running and partnership = $1"
_WAKE_NEVER = "update agenda set next_at = $1 where running and next_at is null"
DUE = "select stream from agenda where next_at <= $1 order by next_at, stream limit $2"
_NEXT = "select next_at from agenda where next_at is not null order by next_at limit 1"
_LOCK = "select stream from agenda where stream = any($1::text[]) order by stream for update skip locked"
_SCHEDULE = """
    insert into agenda (stream, partnership, next_at, running, calendar) values ($1, $2, $3, $4, $5)
    on conflict (stream) do update
        set next_at = excluded.next_at, running = excluded.running, calendar = excluded.calendar
    """

State = review.Review | practice_review.PracticeReview


async def schedule(tx: Transaction, states: Mapping[str, tuple[State, str]], now: datetime) -> None:
    """Write down when these streams, each with its partnership, next have something to say."""
    days = await calendar(tx.connection)
    base = Context(now, days)
    rows = []
    for stream, (state, partnership) in sorted(states.items()):
        if isinstance(state, review.Review):
            dossier = await dossier_of(tx, incident_of(stream))
            context = of_review(base, dossier.case, await directory_of(tx, ""))
            at, running = review.schedule(state, dossier.case, context), any(state.running) or any(state.owing)
        else:
            instants = practice_review.schedule(state, of_practice_review(base))
            at, running = min(instants.values(), default=None), state.running_clock
        rows.append((stream, partnership, at, running, days.edition))
    if rows:
        await tx.driver.executemany(_SCHEDULE, rows)


async def wake_partnership(tx: Transaction, partnership: str, now: datetime) -> None:
    """Its own rules say something else: have each of its reviews looked at again."""
    await tx.driver.execute(_WAKE_PARTNERSHIP, partnership, now)


async def unticked(connection: AsyncConnection, before: datetime) -> int:
    """Signal: reviews that should have been ticked before that instant and were not."""
    driver = await driver_of(connection)
    return int(await driver.fetchval("select count(*) from agenda where next_at < $1", before))


class ReviewAgenda:
    """`shared.ticking.Agenda` of both kinds of review, by their streams."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    async def begin(self, tx: Transaction, now: datetime) -> None:
        """Have looked at what no calendar reached."""
        await tx.driver.execute(_WAKE_NEVER, now)

    async def prepare(self, tx: Transaction, now: datetime) -> None:
        """What was scheduled by another edition of the calendar is looked at again, whoever scheduled it."""
        days = await self._place.calendar(tx)
        if await tx.driver.fetch(OTHER, days.edition):
            await tx.driver.execute(_WAKE_CALENDAR, days.edition, now)

    async def due(self, connection: AsyncConnection, now: datetime, limit: int) -> Sequence[str]:
        """The streams with something to say by now, the longest due first."""
        return [stream for (stream,) in await (await driver_of(connection)).fetch(DUE, now, limit)]

    async def next_due(self, connection: AsyncConnection) -> datetime | None:
        """The next instant at which any stream has something to say."""
        found: datetime | None = await (await driver_of(connection)).fetchval(_NEXT)
        return found

    async def postpone(self, tx: Transaction, name: str, until: datetime) -> None:
        """Look at a stream again later."""
        await tx.driver.execute("update agenda set next_at = $2 where stream = $1 and next_at <= $2", name, until)

    async def tick(self, tx: Transaction, names: Sequence[str]) -> int:
        """What these streams have to say now. Whatever another process holds it is ticking, or deciding about."""
        told = 0
        for (stream,) in await tx.driver.fetch(_LOCK, list(names)):
            told += await self._one(tx, stream)
        return told

    async def _one(self, tx: Transaction, stream: str) -> int:
        facts = await self._place.log.load(tx, stream)
        if not facts:
            return 0
        work = await self._place.work(tx, facts[-1])
        outcomes, state = await self._outcomes(work, stream)
        if outcomes:
            await work.record(stream, outcomes, acting=False)
        else:
            await schedule(tx, {stream: (state, facts[-1].partnership)}, work.now)
        return len(outcomes)

    async def _outcomes(self, work: Work, stream: str) -> tuple[list[Outcome], State]:
        case = (await dossier_of(work.tx, incident_of(stream))).case
        known = await directory_of(work.tx, "")
        rapid, _ = await work.load(REVIEW, review_of(case.incident))
        if not stream.startswith(PRACTICE_PREFIX):
            return review.tick(rapid, case, of_review(work.context, case, known)), rapid
        practice, _ = await work.load(PRACTICE, stream)
        about = practice_case(case, rapid, known)
        return practice_review.tick(practice, about, of_practice_review(work.context)), practice
