"""The gateway's clocks: what is due, and what a tick says of it. A miss waits for what may be on its way in."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway import past, queries, views
from services.gateway.incident import DUTY, Context, Incident, schedule, tick
from services.gateway.surroundings import context
from shared import ticking
from shared.consumer import Workplace
from shared.database import Database, Transaction
from shared.deadlines import Deadline, DeadlineState
from shared.deadlines.reckoning import MORNING, london_instant
from shared.listed import directory
from shared.recording import recorded
from shared.working_days import ONE_DAY

Arrived = Callable[[datetime], Awaitable[bool]]
"""Whether everything that arrived before an instant, on either way in, has been taken in."""


async def _always(_: datetime) -> bool:
    return True


class Ticking(ticking.Ticking):
    """Does what has become due. `arrived` holds back a miss while messages from before its midnight are on their way
    in, until 09:00 at the latest."""

    def __init__(self, place: Workplace, database: Database, *, arrived: Arrived = _always) -> None:
        super().__init__(ClockAgenda(place, arrived), database, place.log, place.clock)


class ClockAgenda:
    """`shared.ticking.Agenda` of the clocks, by their incidents."""

    def __init__(self, place: Workplace, arrived: Arrived) -> None:
        self._place = place
        self._arrived = arrived

    async def begin(self, tx: Transaction, now: datetime) -> None:
        """Try again what no calendar reached."""
        await queries.wake_uncomputed(tx, now)

    async def prepare(self, tx: Transaction, now: datetime) -> None:
        """Wake what was set under the old calendar by a transaction that had not ended when a day was added."""
        await queries.wake_recently_proclaimed(tx, now)

    async def due(self, connection: AsyncConnection, now: datetime, limit: int) -> Sequence[str]:
        """The incidents with a clock that has something to say by now, the longest due first, and those held back."""
        return await queries.due(connection, now, limit)

    async def next_due(self, connection: AsyncConnection) -> datetime | None:
        """The next instant at which a clock has something to say."""
        return await queries.next_due(connection)

    async def postpone(self, tx: Transaction, name: str, until: datetime) -> None:
        """Look at an incident's clocks again later."""
        await queries.postpone(tx, name, until)

    async def tick(self, tx: Transaction, names: Sequence[str]) -> int:
        """What these incidents' clocks have to say now."""
        told = 0
        calendar = await self._place.calendar(tx)
        areas, now = await directory(tx.connection), self._place.clock.now()
        # Whatever another process holds it is deciding about, or ticking, at this moment.
        for name in await views.lock(tx, names, skip=True):
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
