"""The figures that say whether a service needs a person, read at once for operators and exported as metrics."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.consumer import Reader
from shared.consumer.parking import parked_count, parked_keys
from shared.database import Database
from shared.submissions import oldest_waiting, proposals_pending, proposals_waiting
from shared.telemetry import gauge

log = logging.getLogger(__name__)

REFRESH_SECONDS = 15.0
"""As often as metrics are usually read; an operator's question is answered as of now."""

Measure = Callable[[], Awaitable[float | None]]
"""A figure now; None while it cannot be had."""


@dataclass(frozen=True)
class Signal:
    """One figure that says whether something needs a person. `quiet`: a stack at rest has it at nought."""

    name: str
    meaning: str
    measure: Measure
    quiet: bool = False


class Signals:
    """A service's signals: read at once for an operator, and every few seconds for the metrics."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        self.all = tuple(signals)
        self._last: dict[str, float] = {}

    def export(self) -> None:
        """Exports them as metrics `sx_<name>`; a signal that cannot be had keeps out of sight."""
        for signal in self.all:
            gauge(f"sx_{signal.name}", self._last_of(signal.name), description=signal.meaning)

    async def run(self) -> None:
        """Refreshes what the metrics show, until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(REFRESH_SECONDS)

    async def read(self) -> dict[str, float | None]:
        """Every signal as it is now; None for those that cannot be had."""
        found = await asyncio.gather(*(_measured(signal) for signal in self.all))
        told = {signal.name: value for signal, value in zip(self.all, found, strict=True)}
        self._last = {name: value for name, value in told.items() if value is not None}
        return told

    async def unquiet(self) -> dict[str, float | None]:
        """What keeps this service from being quiet: signals that are not at nought, or cannot be had."""
        signals = [signal for signal in self.all if signal.quiet]
        found = await asyncio.gather(*(_measured(signal) for signal in signals))
        return {signal.name: value for signal, value in zip(signals, found, strict=True) if value != 0}

    def _last_of(self, name: str) -> Callable[[], Sequence[tuple[float, Mapping[str, str]]]]:
        return lambda: [(self._last[name], {})] if name in self._last else []


async def _measured(signal: Signal) -> float | None:
    try:
        async with asyncio.timeout(5):
            return await signal.measure()
    except Exception as error:
        log.warning("a signal cannot be had", extra={"signal": signal.name, "error": type(error).__name__})
        return None


def log_signals(database: Database) -> list[Signal]:
    """Of a service that has a log: what has not reached Kafka yet, as the database has it now."""

    async def unsequenced() -> float:
        return await _scalar(database, "select count(*) from waiting")

    async def unpublished() -> float:
        return await _scalar(
            database, "select coalesce((select max(position) from sequence), 0) - (select position from published)"
        )

    async def oldest() -> float:
        return await _scalar(
            database,
            """select coalesce(extract(epoch from clock_timestamp() - least(
                (select min(at) from waiting),
                (select at from sequence where position = (select position + 1 from published))
            )), 0)::float8""",
        )

    return [
        Signal("facts_unsequenced", "Facts that have no position yet.", unsequenced, quiet=True),
        Signal("facts_unpublished", "Facts with a position that Kafka has not acknowledged.", unpublished, quiet=True),
        Signal("oldest_unpublished_seconds", "How long the oldest fact not yet on Kafka has waited.", oldest),
    ]


def reader_signals(database: Database, reader: Reader) -> list[Signal]:
    """Of a service that reads Kafka: how far behind it is, and what stands still."""

    async def lag() -> float | None:
        if not reader.flows:
            return None  # Kafka has not been joined yet
        behind = await asyncio.gather(*(flow.lag() for flow in reader.flows.values()))
        return None if None in behind else float(sum(each or 0 for each in behind))

    async def held() -> float:
        return sum(len(flow.holds) for flow in reader.flows.values())

    async def gaps() -> float:
        return sum(len(flow.gaps) for flow in reader.flows.values())

    def asked(question: Callable[[Any], Awaitable[float]]) -> Measure:
        async def measure() -> float:
            async with database.reading() as connection:
                return await question(connection)

        return measure

    return [
        Signal("consumer_lag", "Records that this process has not applied yet.", lag, quiet=True),
        Signal("partitions_held", "Partitions held until something away from here is mended.", held, quiet=True),
        Signal("gaps", "Producers of which a fact is missing: nothing behind it is applied.", gaps, quiet=True),
        Signal("parked_events", "Events set aside, those behind others included.", asked(parked_count)),
        Signal("parked_keys", "Incidents held up by a parked event.", asked(parked_keys)),
        Signal("proposals_waiting", "Proposals that have no verdict yet.", asked(proposals_waiting)),
        Signal(
            "proposals_pending",
            "Of these, those that wait for facts on their way.",
            asked(proposals_pending),
            quiet=True,
        ),
        Signal("oldest_proposal_seconds", "How long the oldest of them has waited.", asked(oldest_waiting)),
    ]


async def _scalar(database: Database, question: str) -> float:
    async with database.reading() as connection:
        return float((await connection.exec_driver_sql(question)).scalar_one())
