"""The way from a request to the database: what waits at the same moment shares a transaction, and its one commit."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.gateway.checks import Arrival
from services.gateway.intake import Intake, Taken
from services.gateway.offering import Offered
from shared.database import Database, is_outage
from shared.eventlog import Conflict, EventLog
from shared.vault_client import SealingKeyRetired, SealingKeys

log = logging.getLogger(__name__)

TOGETHER = 200
"""The most messages that share a transaction, a batch being never divided."""

TRIES = 5


class Away(Exception):
    """The database cannot be reached, or is too busy. Time mends it; nothing was taken."""


@dataclass(frozen=True)
class _Job:
    offers: Sequence[Offered]
    done: asyncio.Future[list[Taken]]


class Door:
    """Takes requests' messages in. Each request's fate is its own: where a joint transaction fails, all go singly."""

    def __init__(self, intake: Intake, database: Database, log_: EventLog, keys: SealingKeys) -> None:
        self._intake = intake
        self._database = database
        self._log = log_
        self._keys = keys
        self._waiting: asyncio.Queue[_Job] = asyncio.Queue()
        self._under_way: dict[int, datetime] = {}

    async def take(self, values: Sequence[Any], arrival: Arrival, *, batch: bool) -> list[Taken]:
        """What became of the messages of one request, in order. Raises Away, or NoSealingKey."""
        mine = id(arrival)
        self._under_way[mine] = arrival.at
        try:
            return await self._take(values, arrival, batch=batch)
        finally:
            del self._under_way[mine]

    def taken_before(self, until: datetime) -> bool:
        """Whether every request of this process that arrived before `until` has been dealt with."""
        return all(at >= until for at in self._under_way.values())

    async def _take(self, values: Sequence[Any], arrival: Arrival, *, batch: bool) -> list[Taken]:
        for attempt in range(TRIES):
            together = object() if batch else None
            offers = [self._intake.offer(value, arrival, batch=together) for value in values]
            done: asyncio.Future[list[Taken]] = asyncio.get_running_loop().create_future()
            self._waiting.put_nowait(_Job(offers, done))
            try:
                return await done
            except SealingKeyRetired:
                await self._keys.refresh()
            except Conflict:
                await asyncio.sleep(0.005 * 2**attempt)
        raise Away

    async def run(self) -> None:
        """Writes what waits until cancelled. Run it in a context without a span: each message brings its trace."""
        while True:
            jobs = [await self._waiting.get()]
            count = len(jobs[0].offers)
            with suppress(asyncio.QueueEmpty):
                while count < TOGETHER:
                    jobs.append(self._waiting.get_nowait())
                    count += len(jobs[-1].offers)
            try:
                await self._write(jobs)
            except asyncio.CancelledError:
                for job in jobs:
                    job.done.cancel()
                raise

    async def _write(self, jobs: Sequence[_Job]) -> None:
        try:
            taken = await self._together([offered for job in jobs for offered in job.offers])
        except Exception as failure:
            if len(jobs) > 1 and not _hopeless(failure):
                for job in jobs:
                    await self._write([job])
                return
            for job in jobs:
                _settle(job, Away() if _hopeless(failure) else failure)
            return
        for job in jobs:
            _settle(job, taken[: len(job.offers)])
            taken = taken[len(job.offers) :]

    async def _together(self, offers: Sequence[Offered]) -> list[Taken]:
        async with self._database.transaction(self._log) as tx:
            return await self._intake.take(tx, offers)


def _hopeless(failure: Exception) -> bool:
    """Whether trying the jobs one by one would only fail as often: a deadlock or a lock is worth it, an outage not."""
    state = str(getattr(getattr(failure, "orig", failure), "sqlstate", "") or "")
    return is_outage(failure) and not state.startswith(("40", "55"))


def _settle(job: _Job, outcome: list[Taken] | Exception) -> None:
    if job.done.done():
        return  # whoever asked has gone; what was taken stays taken
    if isinstance(outcome, Exception):
        job.done.set_exception(outcome)
    else:
        job.done.set_result(outcome)
