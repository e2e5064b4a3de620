"""Events into views: what notifications applies from Kafka, and what the gateway folds; against bare inserts."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg

from infra.postgres.provision import run
from tests.bench.events import senders
from tests.bench.ground import Ground, NotMeasured, child
from tests.bench.rows.rebuild import filled
from tests.bench.verdicts import Promise, Row, Spread
from tests.bench.watching import Watched, watch

PROMISE = Promise("at least 0.4 of bare batched inserts of the same rows", least=0.4)
BATCH = 500
"""Rows in a transaction of the bare inserts: as many as a reader takes at once."""

_READ = {
    "known_case": "select * from known_case limit $1",
    "letter": "select * from letter limit $1",
    "reader_folded": "select * from reader_folded limit $1",
}
_FOLDED = {"incident": "select * from incident limit $1", "clock": "select * from clock limit $1"}


def measure(ground: Ground) -> Iterator[Row]:
    """Both ways in which events become views."""
    yield from _fold(ground)
    yield from _reader(ground)


def _reader(ground: Ground) -> Iterator[Row]:
    referrals, rounds = (400, 2) if ground.quick else (1_000, 3)
    ours, bare = [], []
    for _ in range(rounds):
        seen = _caught_up(ground, referrals)
        ours.append(seen.rate)
        ground.say(f"  notifications applied {seen.count:,} at {seen.rate:,.0f}/s")
        # Each fact writes its case; an incident's facts write one version, and its referral two letters.
        times = {"known_case": seen.count, "reader_folded": referrals, "letter": 2 * referrals}
        bare.append(seen.count / run(_inserted(ground.database_url("notifications"), _READ, times)))
    row = Row(
        "apply, notifications from Kafka",
        PROMISE,
        "events/s",
        Spread(tuple(ours)).middle,
        Spread(tuple(bare)).middle,
        f"{referrals:,} referrals' facts that waited on Kafka, read by one process of notifications with its groups,"
        " positions, folds, letters and spans, while it sends the letters; against the same rows inserted in batches"
        f" of {BATCH}, a transaction each; {rounds} rounds in turn",
        f"rounds {Spread(tuple(ours))} against {Spread(tuple(bare))}",
    )
    yield row
    if row.met is False:
        with ground.only("gateway", "notifications"), ground.profile("notifications", "apply-reader"):
            _send(ground, referrals)
            ground.until(ground.applied, 120, "never applied")


def _caught_up(ground: Ground, referrals: int) -> Watched:
    """Facts gather on Kafka while notifications is stopped; then it alone is let go."""
    ground.until(ground.applied, 300, "notifications never caught up", pause=0.5)
    urls = ground.database_url("gateway"), ground.database_url("notifications")
    with ThreadPoolExecutor(1) as aside:
        with ground.only("gateway"):
            _send(ground, referrals)
            ground.until(ground.published, 60, "the relay never caught up")
            watching = aside.submit(run, watch(*urls, 180))  # from before it is let go, or the first would be missed
            time.sleep(0.5)
        seen = watching.result()
    if not seen.done or not seen.rate:
        raise NotMeasured(f"notifications applied {seen.count:,} of {seen.whole:,} facts in {seen.seconds:.0f} s")
    return seen


def _send(ground: Ground, referrals: int) -> None:
    each = 50
    ground.load(senders(ground, ground.stack.urls["gateway"], batch=each), 120, most=referrals // each)


def _fold(ground: Ground) -> Iterator[Row]:
    """What a rebuild does: the fold alone, from the log."""
    facts, rounds = (3_000, 1) if ground.quick else (15_000, 3)
    with ground.only():
        service = filled(ground, facts)
        job = {"runtime_url": service.runtime_url}
        url = ground.database_url(service.name)
        ours, bare = [], []
        for _ in range(rounds):
            ours.append(facts / child("tests.bench.folding", job, 120)["seconds"])
            times = {name: ground.value(service.name, f"select count(*) from {name}") for name in _FOLDED}
            bare.append(facts / run(_inserted(url, _FOLDED, times)))
        row = Row(
            "apply, the gateway's views from its log",
            PROMISE,
            "events/s",
            Spread(tuple(ours)).middle,
            Spread(tuple(bare)).middle,
            f"{facts:,} facts folded into incidents and clocks by a rebuild, swap included; against the same rows"
            f" inserted in batches of {BATCH}, a transaction each; {rounds} rounds in turn",
            f"rounds {Spread(tuple(ours))} against {Spread(tuple(bare))}",
        )
        yield row
        if row.met is False:
            child("tests.bench.folding", job | {"profile": "apply-fold"}, 240)


async def _inserted(url: str, questions: dict[str, str], times: dict[str, int]) -> float:
    """Seconds for so many rows of each kind, like those there are, into empty tables of the same shape."""
    session = await asyncpg.connect(url)
    took = 0.0
    try:
        for table, count in times.items():
            rows = [tuple(row) for row in await session.fetch(questions[table], max(1, count))]
            bare = f"bare_{table}"
            await session.execute(f"create table {bare} (like {table} including defaults including constraints)")
            await session.execute(f"alter table {bare} add column bare_id bigint primary key")
            began = time.perf_counter()
            await _in_batches(session, bare, [(*rows[number % len(rows)], number) for number in range(count)])
            took += time.perf_counter() - began
            await session.execute(f"drop table {bare}")
    finally:
        await session.close()
    return took


async def _in_batches(session: Any, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    values = ", ".join(f"${number}" for number in range(1, len(rows[0]) + 1))
    insert = f"insert into {table} values ({values})"
    for start in range(0, len(rows), BATCH):
        async with session.transaction():
            await session.executemany(insert, rows[start : start + BATCH])
