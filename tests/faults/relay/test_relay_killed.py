"""A relay that is killed or stopped at any point: another goes on, nothing is lost, order holds for every key."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from uuid import uuid4

import pytest

from infra.postgres.provision import ServiceDatabase
from shared.database import Database
from tests.faults.relay.ground import (
    append_each,
    applied,
    event_log,
    fresh_database,
    producer_settings,
    published,
    read_topic,
    until_async,
)
from tests.stacks import Stack

STREAMS = [f"incident-{number:032x}" for number in range(12)]
SENT_AND_NOT_MARKED = ("after send", "before marking")
"""Killed there, a relay has sent what its successor must send again."""


class Ground:
    """One service's database and topic, with as many relaying processes as a test wants."""

    def __init__(self, stack: Stack, service: ServiceDatabase, topic: str, open_until_end: AsyncExitStack) -> None:
        self.stack, self.service, self.topic = stack, service, topic
        self.database = Database(service.runtime_url, pool_size=4)
        self._open = open_until_end
        self._versions = 0

    async def process(self, point: str = "") -> Process:
        """A relaying process with a fault at `point`."""
        orders: dict[str, object] = {
            "url": self.service.runtime_url,
            "producer": producer_settings(self.stack),
            "partitions": {self.topic: 3},
            "point": point,
        }
        return await self._open.enter_async_context(_process(orders))

    async def append(self, rounds: int = 1, streams: Sequence[str] = STREAMS) -> None:
        """A fact to every stream, `rounds` times, a transaction each."""
        for _ in range(rounds):
            await append_each(self.database, event_log(self.topic), streams, after=self._versions)
            self._versions += 1

    async def all_published(self) -> None:
        await until_async(lambda: published(self.database, self._versions * len(STREAMS)))

    async def assert_nothing_lost(self) -> int:
        """What a reader applies is every fact once, in the order of each stream; how many records it skips."""
        await self.all_published()
        wanted = self._versions * len(STREAMS)
        records = await read_topic(self.stack, self.topic, wanted)
        effect = applied(records)
        assert len(effect) == wanted
        async with self.database.transaction() as tx:
            for stream in STREAMS:
                facts = await tx.driver.fetch("select event from fact where stream = $1 order by version", stream)
                assert [e for (e,) in facts] == [r.value for r in effect if r.key == stream.encode()]
        return len(records) - len(effect)


@asynccontextmanager
async def _process(orders: dict[str, object]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.relay.process",
        env={**os.environ, "RELAY_ORDERS": json.dumps(orders)}, stdout=PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def leads(process: Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == b"leads\n"


@pytest.fixture
async def ground(stack: Stack) -> AsyncIterator[Ground]:
    service = await fresh_database(stack, "killed")
    async with AsyncExitStack() as open_until_end:
        made = Ground(stack, service, stack.create_topic(f"killed-{uuid4().hex[:8]}"), open_until_end)
        yield made
        await made.database.close()


@pytest.mark.parametrize(
    "point",
    ["before sequencing", "after sequencing", "before send", "after send", "before marking", "after marking"],
)
async def test_a_relay_killed_at_any_point_is_succeeded_and_nothing_is_lost(ground: Ground, point: str) -> None:
    doomed = await ground.process(point)
    await leads(doomed)
    successor = await ground.process()
    await ground.append(5)
    async with asyncio.timeout(20):
        assert await doomed.wait() == -signal.SIGKILL
    await leads(successor)
    await ground.append(2)
    repeated = await ground.assert_nothing_lost()
    assert repeated or point not in SENT_AND_NOT_MARKED


async def test_relays_killed_again_and_again_under_load_lose_nothing(ground: Ground) -> None:
    for turn in range(4):
        process = await ground.process()
        await leads(process)
        appending = asyncio.create_task(ground.append(6))
        await asyncio.sleep(0.05 + 0.04 * turn)
        process.kill()
        await appending
    await ground.process()
    await ground.assert_nothing_lost()


@pytest.mark.parametrize("point", ["pause before writing", "pause inside the transaction", "pause before publishing"])
async def test_a_leader_paused_and_woken_after_another_took_over_does_no_harm(ground: Ground, point: str) -> None:
    paused = await ground.process(point)
    await leads(paused)
    await ground.append(1, STREAMS)
    successor = await ground.process()
    await leads(successor)
    await ground.append(3)
    await ground.all_published()
    paused.send_signal(signal.SIGCONT)
    await ground.append(3)
    await asyncio.sleep(1.5)  # time for the woken one to do its worst
    await ground.append(1)
    await ground.assert_nothing_lost()
    assert successor.returncode is None
