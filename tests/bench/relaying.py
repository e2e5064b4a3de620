"""The relay's child: facts committed at once, sequenced, hashed and published; and a raw producer with their bytes."""

import asyncio
import cProfile
import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvloop
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.database import Database
from shared.relay import Relay
from shared.telemetry import start_telemetry, stop_telemetry
from tests.bench.databases import WAIT, fill, fresh, real_facts, super_user
from tests.bench.profiling import FOLDER, written

PARTITIONS = 6


async def relaying(job: Mapping[str, Any]) -> dict[str, Any]:
    """Facts a second in each round: of the relay, of the raw producer, by turns."""
    count, rounds = job["count"], job["rounds"]
    facts = await real_facts(job["admin_url"])
    service = await fresh(job["admin_url"])
    ours_topic, raw_topic = (f"bench.{name}.{uuid4().hex[:8]}" for name in ("relay", "raw"))
    admin = AIOKafkaAdminClient(**job["kafka"])
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (ours_topic, raw_topic)])
    database = Database(service.runtime_url)
    session = await super_user(job["admin_url"], service.name)
    relay = Relay("gateway", database, job["kafka"], {ours_topic: PARTITIONS})
    running = asyncio.create_task(relay.run())
    ours, raw = [], []
    try:
        while not relay.leads:  # noqa: ASYNC110 - it becomes true in the database
            await asyncio.sleep(0.05)
        for number in range(rounds + 1):
            behind = await session.fetchval("select coalesce(max(id), 0) from fact")
            await fill(session, facts, count, topic=ours_topic)
            values = await session.fetch("select key, event from fact where id > $1 order by id", behind)
            theirs = await _raw(job["kafka"], raw_topic, [(key.encode(), event) for key, event in values])
            mine = await _relayed(session, database, behind, count)
            if number:
                raw.append(count / theirs)
                ours.append(count / mine)
        if job["profile"]:
            behind = await session.fetchval("select max(id) from fact")
            await fill(session, facts, count, topic=ours_topic)
            with cProfile.Profile(time.thread_time) as profile:
                await _relayed(session, database, behind, count)
            written(profile, FOLDER / "relay.txt")
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        await session.close()
        await database.close()
        await admin.delete_topics([ours_topic, raw_topic])
        await admin.close()
    size = sum(len(fact[-1]) for fact in facts) / len(facts)
    return {"ours": ours, "raw": raw, "bytes": size}


async def _relayed(session: Any, database: Database, behind: int, count: int) -> float:
    """Seconds from the commit of facts that wait until Kafka has acknowledged the last of them."""
    ends = await session.fetchval("select position from published") + count
    began = time.perf_counter()
    await session.execute(WAIT, behind)
    database.committed.fire()
    while await session.fetchval("select position from published") < ends:
        await asyncio.sleep(0.01)
        if time.perf_counter() - began > 120:
            raise TimeoutError("the relay never published them all")
    return time.perf_counter() - began


async def _raw(kafka: Mapping[str, Any], topic: str, values: list[tuple[bytes, bytes]]) -> float:
    """Seconds that a bare producer takes for the same keys and bytes, as fast as it can."""
    async with AIOKafkaProducer(**kafka, enable_idempotence=True, acks="all", max_batch_size=131_072) as producer:
        await producer.partitions_for(topic)
        began = time.perf_counter()
        sent = [await producer.send(topic, value, key=key) for key, value in values]
        await asyncio.gather(*sent)
        return time.perf_counter() - began


def main() -> None:
    """Runs one job from standard input."""
    job = json.load(sys.stdin)
    start_telemetry("gateway", state_dir=str(Path(job["state_dir"]) / "relaying"))
    answer = uvloop.run(relaying(job))
    stop_telemetry()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
