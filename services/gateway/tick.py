"""The tick: at the instants that the clocks name, it tells how they stand. Several processes may tick at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta

from services.gateway import past, queries, views
from services.gateway.incident import DUTY, Context, Incident, schedule, tick
from services.gateway.surroundings import context
from shared.clock import Clock
from shared.consumer import Workplace
from shared.database import Database, Transaction, is_outage
from shared.deadlines import Deadline, DeadlineState
from shared.deadlines.reckoning import MORNING, london_instant
from shared.eventlog import Conflict
from shared.listed import directory
from shared.recording import recorded
from shared.working_days import ONE_DAY

log = logging.getLogger(__name__)

BATCH = 50
"""Incidents in one transaction."""

LOOK_EVERY = 1.0
"""Seconds between two looks at what is due; a look that finds nothing is one probe of an index."""

TRY_AGAIN_AFTER = timedelta(minutes=1)
"""What could not be ticked steps back by so much, so that it holds up no other."""

Arrived = Callable[[datetime], Awaitable[bool]]
"""Whether everything that arrived before an instant, on either way in, has been taken in."""


async def _always(_: datetime) -> bool:
    return True


class Ticking:
    """Does what has become due. `arrived` holds back a miss while messages from before its midnight are on their way
    in, until 09:00 at the latest."""

    def __init__(self, place: Workplace, database: Database, *, arrived: Arrived = _always) -> None:
        self._place = place
        self._database = database
        self._arrived = arrived

    @property
    def _clock(self) -> Clock:
        return self._place.clock

    async def run(self) -> None:
        """Ticks until cancelled. With the database away it goes on when the database is back."""
        fresh = True
        while True:
            try:
                if fresh:
                    await self.wake_uncomputed()
                    fresh = False
                await self.tick()
            except Exception as failure:
                if not is_outage(failure):
                    log.exception("the clocks could not be ticked")
            await asyncio.sleep(LOOK_EVERY)

    async def tick(self) -> int:
        """Everything that is due by now; returns how many facts were told. Raises what the database raises."""
        told, seen = 0, set[str]()
        async with self._database.transaction() as tx:
            await queries.wake_recently_proclaimed(tx, self._clock.now())
        while True:
            async with self._database.reading() as connection:
                due = [name for name in await queries.due(connection, self._clock.now(), BATCH) if name not in seen]
            if not due:
                return told
            seen.update(due)
            told += await self._together(due)

    async def next_due(self) -> datetime | None:
        """The next instant at which a clock has something to say; None if there is none."""
        async with self._database.reading() as connection:
            return await queries.next_due(connection)

    async def wake_uncomputed(self) -> None:
        """A newer calendar may have come with this process: try again what no calendar reached."""
        async with self._database.transaction() as tx:
            await queries.wake_uncomputed(tx, self._clock.now())

    async def _together(self, due: Sequence[str]) -> int:
        """One transaction for all; if that fails, each by itself, so that only the culprit stays due."""
        try:
            return await self._one_transaction(due)
        except Exception as failure:
            if is_outage(failure):
                raise
            if len(due) == 1:
                await self._could_not(due[0], failure)
                return 0
        return sum([await self._together([name]) for name in due])

    async def _could_not(self, incident: str, failure: Exception) -> None:
        if isinstance(failure, Conflict):
            return  # another writer was there first: the next look sees what it left
        log.error("an incident's clocks could not be ticked", extra={"incident": incident}, exc_info=failure)
        async with self._database.transaction() as tx:
            await queries.postpone(tx, incident, self._clock.now() + TRY_AGAIN_AFTER)

    async def _one_transaction(self, due: Sequence[str]) -> int:
        told = 0
        async with self._database.transaction(self._place.log) as tx:
            calendar = await self._place.calendar(tx)
            areas, now = await directory(tx.connection), self._clock.now()
            # Whatever another process holds it is deciding about, or ticking, at this moment.
            for name in await views.lock(tx, due, skip=True):
                told += await self._incident(tx, name, context(areas, now, calendar))
        return told

    async def _incident(self, tx: Transaction, name: str, known: Context) -> int:
        incident, facts = await past.incident(tx, self._place.log, name)
        if incident is None:
            return 0
        awaiting = await self._awaiting(tx, incident, known)
        outcomes = tick(incident, known, awaiting)
        if outcomes:
            told = recorded(
                facts[-1],
                outcomes,
                service=self._place.service,
                stream=name,
                after=incident.version,
                now=known.now,
                acting=False,
            )
            await self._place.log.append(tx, name, incident.version, told)
            if self._place.project:
                await self._place.project(tx, told)
            incident = past.after(incident, told)
        held = {deadline.key: _morning(deadline.due) for deadline in _at_their_end(incident, known)}
        await queries.reschedule(tx, name, {**schedule(incident, known), **held}, held)
        return len(outcomes)

    async def _awaiting(self, tx: Transaction, incident: Incident, known: Context) -> bool:
        """Whether a miss must wait: what would meet it arrived in time and has no verdict, or may be on its way in."""
        ended = _at_their_end(incident, known)
        if not ended:
            return False
        midnight = min(deadline.reckoning.late_from for deadline in ended if deadline.reckoning)
        if await queries.unheard(tx, incident.id, midnight):
            return True
        morning = min(_morning(deadline.due) for deadline in ended)
        return known.now < morning and not await self._arrived(midnight)


def _at_their_end(incident: Incident, known: Context) -> list[Deadline]:
    """The clocks that a submission would meet, run out and not yet told as missed."""
    return [
        deadline
        for deadline in incident.running
        if deadline.key in DUTY
        and deadline.state is not DeadlineState.MISSED
        and deadline.reckoning is not None
        and known.now >= deadline.reckoning.late_from
    ]


def _morning(due: date | None) -> datetime:
    """09:00 London after the due day: no miss is held back longer."""
    assert due is not None
    return london_instant(due + ONE_DAY, MORNING)
