"""How fast one caller may go: a bucket of tokens in PostgreSQL, from which all processes draw in handfuls."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Column, DateTime, Double, MetaData, Table, Text

from shared.database import Database

HANDFUL_SECONDS = 0.25
"""A process draws for so long ahead, so that most requests need no database: at most this much waits unused in each."""


def limit_table(metadata: MetaData) -> Table:
    """A row a caller. The runtime role needs SELECT, INSERT and UPDATE on it."""
    return Table(
        "rate_limit",
        metadata,
        Column("caller", Text, primary_key=True),
        Column("tokens", Double, nullable=False),
        Column("granted", Double, nullable=False),
        Column("refilled_at", DateTime(timezone=True), nullable=False),
        postgresql_with={"fillfactor": 50},  # the same few rows are written over and over: leave room beside them
    )


# $1 caller, $2 tokens needed, $3 tokens wanted, $4 tokens a second, $5 tokens at most. The clock is the database's,
# so processes on several machines agree; a statement that waited for another's lock must not turn it back.
_ELAPSED = "greatest(0, extract(epoch from statement_timestamp() - held.refilled_at)::float8)"
_FULL = f"least($5::float8, held.tokens + $4::float8 * {_ELAPSED})"
_GRANT = "case when FULL >= $2::float8 then least(floor(FULL), $3::float8) else 0 end"
_DRAW = """
insert into rate_limit as held (caller, tokens, granted, refilled_at)
values ($1, $5::float8 - least($5::float8, $3::float8), least($5::float8, $3::float8), statement_timestamp())
on conflict (caller) do update set
    tokens = FULL - GRANT,
    granted = GRANT,
    refilled_at = greatest(held.refilled_at, statement_timestamp())
returning granted, tokens
""".replace("GRANT", _GRANT).replace("FULL", _FULL)


@dataclass
class _Purse:
    """What this process has drawn for one caller, and how long it need not ask again."""

    tokens: float = 0.0
    refused: float = float("inf")
    refused_until: float = 0.0
    drawing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Limit:
    """One limit for each caller, shared by every process on the same database: `burst` at once, `rate` a second."""

    def __init__(
        self, database: Database, *, rate: float, burst: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._rate = rate
        self._burst = max(1.0, float(burst))
        self._handful = max(1.0, min(self._burst / 4, rate * HANDFUL_SECONDS) // 1)
        self._now = now
        self._purses: dict[str, _Purse] = {}

    async def take(self, caller: str, n: float = 1) -> float | None:
        """Takes `n` of the caller's tokens: None if it may go on, or the seconds after which it may ask again.

        More than `burst` at once costs `burst`: what is one request must be possible at some time.
        """
        purse = self._purses.setdefault(caller, _Purse())
        n = min(float(n), self._burst)
        if purse.tokens >= n:
            purse.tokens -= n
            return None
        async with purse.drawing:
            if purse.tokens < n:
                wait = purse.refused_until - self._now()
                if n >= purse.refused and wait > 0:
                    return wait
                refused_for = await self._draw(caller, purse, n)
                if refused_for is not None:
                    return refused_for
            purse.tokens -= n
            return None

    async def _draw(self, caller: str, purse: _Purse, n: float) -> float | None:
        needed = n - purse.tokens
        async with self._database.transaction() as tx:
            row = await tx.driver.fetchrow(_DRAW, caller, needed, needed + self._handful, self._rate, self._burst)
        if row["granted"] < needed:
            wait = float(needed - row["tokens"]) / self._rate
            purse.refused, purse.refused_until = n, self._now() + wait
            return wait
        purse.tokens += row["granted"]
        purse.refused = float("inf")
        return None
