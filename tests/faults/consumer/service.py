"""A small service as a process of its own, which can be told to kill itself at one point of its work.

python -m tests.faults.consumer.service < a JSON object on standard input
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import MetaData

from contracts.envelope import AnyEvent
from shared.consumer import Flow, Parking, Reader, kafka_broker
from shared.database import Appends, Database, Transaction
from shared.decider import Context, Outcome
from shared.eventlog import EventLog, Route, log_tables
from shared.relay import Relay
from shared.vault_client.sealing import Sealer, SealingKey
from tests.faults.consumer import ground
from tests.faults.consumer.ground import Access, Counted

POINTS = (
    "before decide",
    "after decide",
    "before append",
    "after append",
    "before commit",
    "after commit",
    "before offset commit",
    "after offset commit",
)


@dataclass(frozen=True)
class Orders:
    """What the process is told. It dies at `point` once it has begun to decide on a fact of version `at` or later."""

    database: str
    kafka: dict[str, str]
    name: str
    topic: str
    out: str
    key: str
    point: str = ""
    at: int = 0
    gathers: bool = False


class Killer:
    """Ends the process as a power cut would."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self.armed = False

    def arm(self, version: int | None) -> None:
        self.armed = self.armed or bool(self._orders.at and (version or 0) >= self._orders.at)

    def pass_by(self, point: str) -> None:
        if self.armed and point == self._orders.point:
            os.kill(os.getpid(), signal.SIGKILL)


class Deadly(Database):
    def __init__(self, url: str, killer: Killer) -> None:
        super().__init__(url)
        self._killer = killer

    @asynccontextmanager
    async def transaction(self, log: Appends | None = None) -> AsyncIterator[Transaction]:
        async with super().transaction(log) as tx:
            yield tx
            if log is not None:
                self._killer.pass_by("before commit")
        if log is not None:
            self._killer.pass_by("after commit")


class DeadlyLog(EventLog):
    killer: Killer

    async def append(self, tx: Transaction, stream: str, expected_version: int, facts: Sequence[AnyEvent]) -> int:
        self.killer.pass_by("before append")
        version = await super().append(tx, stream, expected_version, facts)
        self.killer.pass_by("after append")
        return version

    async def append_all(self, tx: Transaction, appends: Sequence[tuple[str, int, Sequence[AnyEvent]]]) -> None:
        self.killer.pass_by("before append")
        await super().append_all(tx, appends)
        self.killer.pass_by("after append")


def plant(killer: Killer) -> None:
    """Put the points around deciding and committing offsets."""
    decide, commit = ground.decide, Flow.commit

    def deadly_decide(state: Counted, proposal: AnyEvent, context: Context) -> Sequence[Outcome]:
        killer.arm(proposal.streamversion)
        killer.pass_by("before decide")
        outcomes = decide(state, proposal, context)
        killer.pass_by("after decide")
        return outcomes

    async def deadly_commit(self: Flow) -> None:
        killer.pass_by("before offset commit")
        await commit(self)
        killer.pass_by("after offset commit")

    ground.COUNTED = replace(ground.COUNTED, decide=deadly_decide)
    Flow.commit = deadly_commit  # type: ignore[method-assign]


async def main(orders: Orders) -> None:
    killer = Killer(orders)
    plant(killer)
    database = Deadly(orders.database, killer)
    log = DeadlyLog(orders.name, log_tables(MetaData()), lambda fact: Route(orders.out, fact.subject or ""))
    log.killer = killer
    place = replace(ground.workplace(orders.name, orders.out), log=log, gathers=orders.gathers)
    sealer = Sealer(SealingKey.of(bytes.fromhex(orders.key)))
    reader = Reader(place, database, ground.reactions(orders.topic), Parking(sealer))
    access = Access(**orders.kafka)
    broker = kafka_broker(access.bootstrap, security=access.security())
    # A member that comes back under its name need not wait until its dead self is given up.
    reader.subscribe(broker, batch=4, session_timeout_ms=6000, instance="one")
    relaying = asyncio.create_task(
        Relay(orders.name, database, access.client(), {orders.out: 2}, lease_seconds=1).run()
    )
    await broker.start()
    await relaying


def orders_from(content: str) -> Orders:
    told: dict[str, Any] = json.loads(content)
    return Orders(**told)


if __name__ == "__main__":
    asyncio.run(main(orders_from(sys.stdin.read())))
