"""Read models made anew from the log while traffic goes on: shadow tables, catch up, swap.

A service's own fold writes the shadow without knowing it, since the schema `shadow` stands before `public` in its
search path. Only the fold runs: no reaction, no deadline and no append comes of a rebuild.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg
from sqlalchemy import Table

from contracts.envelope import AnyEvent
from shared.database import Database, Transaction
from shared.eventlog import EventLog

CHUNK = 1000
HOLD = "500ms"  # longer than this nobody is kept waiting for it; then all go on, and it is tried again
TRIES = 200
FUTILE = 50  # chunks in a row that brought the end no nearer
ONE_AT_A_TIME = 0x5EB1  # an advisory lock's number

log = logging.getLogger(__name__)

Fold = Callable[[Transaction, Sequence[AnyEvent]], Awaitable[None]]
"""What keeps the views in an append's own transaction: it sees each stream's facts in order, and writes only views."""


class RebuildRunning(RuntimeError):
    """Another rebuild of this service is at work: wait for it to end."""


class WroteElsewhere(RuntimeError):
    """The fold wrote a table that is not among the views given: it would have been written twice. Nothing was."""


class RebuildNotSwapped(RuntimeError):
    """There is too much traffic for the rebuild to end: nothing was changed. Try again when there is less."""


@dataclass(frozen=True)
class Rebuilt:
    """What was done: how many facts were folded, in how many seconds, and how often the swap had to be tried."""

    facts: int
    seconds: float
    tries: int


async def rebuild(database: Database, event_log: EventLog, views: Sequence[Table], fold: Fold) -> Rebuilt:
    """Make `views` anew with `fold`, and put them in the place of the old ones in one moment.

    Facts are read in chunks by position, so memory stays flat and what commits late is not missed; those that have
    none yet come at the end, while whoever writes a view waits. A reading whose moment lies before the swap and that
    first looks at a view after it may see the view as it was a little earlier, or not yet filled: ask again.
    Raises RebuildRunning, RebuildNotSwapped, WroteElsewhere, and PostgreSQL's errors; the old views stay then.
    """
    began = time.monotonic()
    names = [view.name for view in views]
    guard = await database.session(application="rebuild")
    try:
        if not await guard.fetchval("select pg_try_advisory_lock($1)", ONE_AT_A_TIME):
            raise RebuildRunning("another rebuild of this service is at work")
        async with database.transaction() as tx:
            await tx.driver.execute("select shadow_views($1)", names)
        work = _Work(database, event_log, fold)
        tries = 1
        while not await work.swapped(names):
            tries += 1
            if tries > TRIES:
                raise RebuildNotSwapped("the views were never free for a moment")
            await asyncio.sleep(0.05)
        return Rebuilt(work.facts, round(time.monotonic() - began, 3), tries)
    finally:
        guard.terminate()  # and with it the advisory lock


class _Work:
    def __init__(self, database: Database, event_log: EventLog, fold: Fold) -> None:
        self.position = 0
        self.facts = 0
        self._database = database
        self._log = event_log
        self._fold = fold

    async def swapped(self, names: Sequence[str]) -> bool:
        """Catch up, then hold the views for a moment, fold what is left, and swap; False if they could not be held."""
        await self._catch_up()
        position, facts = self.position, self.facts
        try:
            async with self._database.transaction() as tx:
                await tx.driver.execute(f"set local lock_timeout = '{HOLD}'")
                await tx.driver.execute("select hold_views($1)", list(names))
                rest = await tx.driver.fetch(_REST, self.position)
                for start in range(0, len(rest), CHUNK):
                    await self._folded(tx, rest[start : start + CHUNK])
                await tx.driver.execute("select swap_views($1)", list(names))
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            self.position, self.facts = position, facts
            return False
        return True

    async def _catch_up(self) -> None:
        """Fold until less than a chunk is left: so much can be folded while others wait."""
        nearest, since = float("inf"), 0
        folded = CHUNK
        while folded == CHUNK:
            async with self._database.transaction() as tx:
                folded = await self._folded(tx, await tx.driver.fetch(_PLACED, self.position))
                behind = await tx.driver.fetchval("select max(position) from sequence") or 0
            behind -= self.position
            nearest, since = (behind, 0) if behind < nearest else (nearest, since + 1)
            if since == FUTILE:
                raise RebuildNotSwapped("facts are appended faster than they can be folded")

    async def _folded(self, tx: Transaction, rows: Sequence[asyncpg.Record]) -> int:
        if rows:
            await tx.driver.execute("set local search_path = shadow, public")
            before = set(await tx.driver.fetch(_WRITTEN))
            await self._fold(tx, [self._log.decode(row["event"]) for row in rows])
            if elsewhere := set(await tx.driver.fetch(_WRITTEN)) - before:
                names = ", ".join(sorted(row["relname"] for row in elsewhere))
                raise WroteElsewhere(f"the fold wrote {names}, which is not being rebuilt")
            self.position = rows[-1]["position"] or self.position
            self.facts += len(rows)
        return len(rows)


# Fact by fact, or the planner might read the whole log for every chunk: time would grow with its square.
_PLACED = f"""
    select s.position, f.event
    from (select position, fact from sequence where position > $1 order by position limit {CHUNK}) s
    cross join lateral (select event from fact where id = s.fact limit 1) f
    order by s.position
"""  # noqa: S608 - a number of this module's own
# One statement, since the relay may give places meanwhile. What has none yet was appended since its leader last looked.
_REST = """
    select s.position, f.event, s.fact
    from sequence s cross join lateral (select event from fact where id = s.fact limit 1) f where s.position > $1
    union all
    select null, f.event, w.fact
    from waiting w cross join lateral (select event from fact where id = w.fact limit 1) f
    order by 1 nulls last, 3
"""
# PostgreSQL counts for a while what earlier transactions of the session did as well: only a difference tells.
_WRITTEN = """
    select relname, n_tup_ins + n_tup_upd + n_tup_del as rows from pg_stat_xact_user_tables where schemaname = 'public'
"""
