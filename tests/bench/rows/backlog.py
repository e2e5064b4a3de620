"""After an hour without Kafka: how long until all that was taken in meanwhile is published, and applied, in order."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from aiokafka import AIOKafkaConsumer

from infra.postgres.provision import run
from tests.bench.events import senders
from tests.bench.ground import Ground, NotMeasured
from tests.bench.verdicts import Promise, Row
from tests.bench.watching import INCIDENTS, Watched, watch

PROMISE = Promise(
    "after an hour's outage at 50 events a second (180,000) caught up in under two minutes, in order",
    most=120,
    of="ours",
)
PROMISED = 180_000
FACTS_A_REQUEST = 500
"""A hundred referrals, each with four clocks."""

LONGEST = 200.0
"""Seconds after which it is not waited for any more; what is left is then reckoned from the rate so far."""


def measure(ground: Ground) -> Iterator[Row]:
    """Kafka is stopped, facts are taken in over HTTPS, Kafka is started, and notifications is watched."""
    wanted = 3_000 if ground.quick else PROMISED
    ground.until(ground.applied, 300, "notifications never caught up", pause=0.5)
    ground.stack.hold("kafka")
    before = ground.value("gateway", "select count(*) from fact where topic = $1", INCIDENTS)
    try:
        gathered = _gather(ground, before, wanted)
    finally:
        ground.stack.let_go("kafka")
    urls = ground.database_url("gateway"), ground.database_url("notifications")
    with ThreadPoolExecutor(1) as aside:
        watching = aside.submit(run, watch(*urls, LONGEST))
        published = ground.until(ground.published, LONGEST, "the relay never caught up", pause=0.25)
        ground.say(f"  {gathered:,} facts published after {published:.1f} s")
        seen = watching.result()
    yield _row(ground, gathered, published, seen)


def _gather(ground: Ground, before: int, wanted: int) -> int:
    """Take in at least so many facts of the incident stream; how many."""
    gateways = [ground.stack.urls[name] for name in ("gateway", "gateway-2")]
    gathered = 0
    for attempt in range(40):
        all_of_them = senders(ground, gateways[attempt % 2], batch=100)
        ground.load(all_of_them, 10.0, most=max(1, (wanted - gathered) // FACTS_A_REQUEST))
        gathered = int(ground.value("gateway", "select count(*) from fact where topic = $1", INCIDENTS)) - before
        ground.say(f"  {gathered:,} of {wanted:,} facts taken in while Kafka is away")
        if gathered >= wanted * 0.99:
            return gathered
    raise NotMeasured(f"only {gathered:,} facts could be taken in")


def _row(ground: Ground, gathered: int, published: float, seen: Watched) -> Row:
    seconds, said = seen.seconds, ""
    if not seen.done:
        left = seen.whole - seen.applied[-1][1]
        seconds += left / max(seen.rate, 1e-9)
        said = f"; stopped after {seen.seconds:.0f} s with {left:,} left: the rest is reckoned at that rate"
    if ground.quick:
        seconds *= PROMISED / gathered
        said += f"; --quick: {gathered:,} facts, extrapolated linearly to {PROMISED:,}"
    broken = asyncio.run(_out_of_order(ground, seen))
    return Row(
        "backlog after an hour's outage",
        PROMISE,
        "s",
        seconds,
        None,
        f"{gathered:,} facts of incidents taken in over HTTPS while Kafka was stopped; from the broker being back to"
        " notifications having applied the last; the whole stack running, the vault collecting meanwhile",
        f"published after {published:.1f} s, then applied at {seen.rate:,.0f}/s{said};"
        + (f" OUT OF ORDER: {broken}" if broken else " in order, none missing (topic read by an outside eye)"),
        failed=bool(broken),
    )


async def _out_of_order(ground: Ground, seen: Watched) -> str:
    """What an outside eye finds wrong in the topic: per partition each record must name the one before it."""
    consumer = AIOKafkaConsumer(INCIDENTS, **ground.job()["kafka"], auto_offset_reset="earliest")
    last: dict[int, int] = {}
    count = 0
    async with consumer:
        while count < seen.whole:
            got = await consumer.getmany(timeout_ms=5000)
            if not got:
                return f"only {count:,} of {seen.whole:,} facts are on the topic"
            for partition, records in got.items():
                for record in records:
                    told = dict(record.headers)
                    position, previous = int(told["position"]), int(told["previous"])
                    if position <= last.get(partition.partition, 0):
                        continue  # a repeat, which every reader passes over
                    if previous != last.get(partition.partition, 0):
                        return f"partition {partition.partition} has {position} behind a gap"
                    last[partition.partition] = position
                    count += 1
    return ""
