"""A reader's process killed with `kill -9` at every point of its work: each effect once, each key in order."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.decoding import decode
from tests.faults.consumer.ground import Access, Ground, client, closed, ground, relay, stream_of, subject, until
from tests.faults.consumer.service import POINTS, Orders
from tests.stacks import Stack

EACH = 4
KEYS = 3


@asynccontextmanager
async def process(orders: Orders) -> AsyncIterator[asyncio.subprocess.Process]:
    """The small service, which is ended at the end if it has not ended itself."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.consumer.service", stdin=asyncio.subprocess.PIPE
    )
    assert started.stdin is not None
    started.stdin.write(json.dumps(asdict(orders)).encode())
    started.stdin.close()
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def published(here: Ground, out: str) -> dict[str, list[str]]:
    """By key, what each fact on the topic followed from, as a reader sees it that skips what it has."""
    found: dict[str, list[str]] = {}
    consumer = AIOKafkaConsumer(**client(here.stack.kafka))
    await consumer.start()
    try:
        partitions = [TopicPartition(out, number) for number in range(2)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            applied = 0
            while await consumer.position(partition) < ends[partition]:
                for record in (await consumer.getmany(partition, timeout_ms=1000)).get(partition, []):
                    marks = dict(record.headers)
                    if int(marks["position"]) > applied:
                        assert int(marks["previous"]) == applied
                        applied = int(marks["position"])
                        fact = decode(record.value)
                        found.setdefault(fact.subject or "", []).append(fact.causationid or "")
    finally:
        await consumer.stop()
    return found


@pytest.mark.parametrize("gathers", [False, True], ids=["each fact at once", "facts gathered"])
async def test_a_reader_killed_at_any_point_loses_nothing_and_does_nothing_twice(stack: Stack, gathers: bool) -> None:
    here = await ground(stack)
    out = await asyncio.to_thread(stack.create_topic, f"{here.topic}-out", 2)
    key = bytes(here.vault_key.public_key).hex()
    orders = Orders(
        here.service.runtime_url, asdict(Access.of(stack.kafka)), here.name, here.topic, out, key, gathers=gathers
    )
    facts = [closed(subject(number % KEYS), number) for number in range(1, EACH * len(POINTS) + 1)]
    async with relay(stack.kafka, here.topic) as gateway:
        for number, point in enumerate(POINTS):
            for fact in facts[number * EACH : (number + 1) * EACH]:
                await gateway.send(fact.to_json(), fact.subject or "")
            told = Orders(**(asdict(orders) | {"point": point, "at": number * EACH + 1}))
            async with process(told) as dying, asyncio.timeout(40):
                assert await dying.wait() == -signal.SIGKILL, point
    async with process(orders):
        await until(lambda: all_applied(here, len(facts)), 40)
        await until(lambda: all_published(here, out, len(facts)), 20)
    assert await here.rows() == [(fact.subject, fact.streamversion) for fact in facts]
    by_key = {subject(k): [fact.id for fact in facts if fact.subject == subject(k)] for k in range(KEYS)}
    for key_, causes in by_key.items():
        rows = await here.rows(f"select causation from fact where stream = '{stream_of(key_)}' order by version")
        assert [cause for (cause,) in rows] == causes
    assert await published(here, out) == by_key


async def all_applied(here: Ground, number: int) -> bool:
    return await here.rows("select count(*) from effect") == [(number,)] and await here.committed() == number


async def all_published(here: Ground, out: str, number: int) -> bool:
    return sum(map(len, (await published(here, out)).values())) >= number
