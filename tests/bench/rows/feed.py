"""Agencies' feeds: how soon what one agency says is readable in another's, many readers at once, and a long replay."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psutil

from infra.postgres.provision import run
from services.delivery.known import REMEMBERED
from tests.bench.databases import super_user
from tests.bench.events import senders
from tests.bench.ground import Ground, NotMeasured, child
from tests.bench.verdicts import Promise, Row

PACE = 100
P50 = Promise("p50 under 40 ms", most=40, of="ours")
P99 = Promise("p99 under 200 ms", most=200, of="ours")
TOLD = Promise("for information")
FLAT = Promise("memory flat (peak over 100,000 events at most 1.1 times that over the first 10,000)", most=1.1)
READER = "northshire-council"
READERS = (READER, "northshire-police", "northshire-icb", "northshire-academy", "harbour-homes")
SUBSCRIBERS = 50


def measure(ground: Ground) -> Iterator[Row]:
    """The last two read what the first leaves in the feeds."""
    yield from _fresh(ground)
    yield _many(ground)
    yield from _replay(ground)


def _fresh(ground: Ground) -> Iterator[Row]:
    seconds = 5.0 if ground.quick else 25.0
    job = {
        "what": "fresh",
        "url": ground.stack.urls["gateway"],
        "token": ground.tokens.of(READER),
        "senders": [
            asdict(sender)
            for name in ("gateway", "gateway-2")
            for sender in senders(ground, ground.stack.urls[name], connections=4)
        ],
        "pace": PACE,
    }
    _rest(ground)
    _asked(job | {"seconds": 3.0})
    _rest(ground)
    got = _asked(job | {"seconds": seconds})
    if got["missing"]:
        raise NotMeasured(f"{got['missing']} of {got['missing'] + got['count']} referrals never came in the feed")
    conditions = (
        f"{PACE} referrals a second of four agencies for {seconds:.0f} s over both gateway processes, each five facts;"
        f" from the moment at which a request was to be sent to its arrival in the stream of {READER}, the"
        " whole stack running, every feed and Kafka topic of every agency written meanwhile"
    )
    note = f"p50 {got['p50']:.1f}, p90 {got['p90']:.1f}, p99 {got['p99']:.1f} ms over {got['count']:,}"
    rows = (
        Row("accepted to readable in another agency's feed, p50", P50, "ms", got["p50"], None, conditions, note),
        Row("accepted to readable in another agency's feed, p99", P99, "ms", got["p99"], None, conditions, note),
    )
    yield from rows
    if any(row.met is False for row in rows):
        with ground.profile("delivery", "feed-delivery"):
            _asked(job | {"seconds": 5.0})
            _rest(ground)


def _asked(job: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    return child("tests.bench.reading", job | {"now": now, "run": uuid4().hex[:10]}, job["seconds"] + 240)


def _many(ground: Ground) -> Row:
    seconds = 4.0 if ground.quick else 15.0
    _rest(ground)
    job = {
        "what": "many",
        "urls": [ground.stack.urls[name] for name in ("gateway", "gateway-2")],
        "tokens": [ground.tokens.of(agency) for agency in READERS],
        "readers": SUBSCRIBERS,
        "seconds": seconds,
    }
    got = child("tests.bench.reading", job, seconds + 60)
    return Row(
        f"feed reads, {SUBSCRIBERS} subscribers at once",
        TOLD,
        "events/s",
        got["events"] / got["seconds"],
        None,
        f"{SUBSCRIBERS} connections of {len(READERS)} agencies over both gateway processes, paging through their feeds"
        " over and over, 100 events a page, each page under today's agreement and recorded before it is given",
        f"{got['pages'] / got['seconds']:,.0f} pages/s, p50 {got['p50']:.0f}, p99 {got['p99']:.0f} ms a page",
    )


def _replay(ground: Ground) -> Iterator[Row]:
    events, few = (10_000, 1_000) if ground.quick else (100_000, 10_000)
    different = run(_filled(ground, events))
    ground.until(lambda: _on_kafka(ground), 300, "the filled feed never came on Kafka", pause=0.5)
    job = {"what": "replayed", "url": ground.stack.urls["gateway"], "token": ground.tokens.of(READER)}
    with _memory(ground) as first:
        child("tests.bench.reading", job | {"events": few}, 120)
    with _memory(ground) as whole:
        got = child("tests.bench.reading", job | {"events": events}, 600)
    if got["events"] < events:
        raise NotMeasured(f"only {got['events']:,} of {events:,} events came")
    conditions = (
        f"{events:,} events of {READER}'s feed, {different:,} different facts in it, replayed from the beginning over"
        " HTTPS, 500 a page, every number looked at; delivery's and the gateway's memory together, at its most"
    )
    rate = got["events"] / got["seconds"]
    yield Row("replay of a feed", TOLD, "events/s", rate, None, conditions, f"{got['seconds']:.1f} s")
    said = "" if events == 100_000 else f"--quick: {events:,} events against {few:,}"
    yield Row("replay of a feed, memory", FLAT, "MB", whole.result(), first.result(), conditions, said)


def _rest(ground: Ground) -> None:
    """Return once everything is where it belongs, in the feeds too. Raises NotMeasured."""
    ground.quiet()
    ground.until(lambda: _delivered(ground), 300, "delivery never caught up", pause=0.5)


def _delivered(ground: Ground) -> bool:
    """Whether delivery has applied everything of the gateway's."""
    there = {(topic, partition): end for topic, partition, end in ground.rows("gateway", _ENDS)}
    here = {(topic, partition): end for topic, partition, end in ground.rows("delivery", _POSITIONS)}
    return all(here.get(place, 0) >= end for place, end in there.items())


_ENDS = "select topic, partition, max(position) from sequence where topic like 'safeguarding.%' group by 1, 2"
_POSITIONS = "select topic, partition, position from reader_position where producer = 'gateway'"
_DIFFERENT = """
    select count(distinct k.id) from kept k join feed f on f.kept = k.id and f.agency = $1
    where k.subject like 'incident-%'
    """
_FILL = """
    with standing as (select last from feed_head where agency = $1 for update),
    facts as (
        select k.id, k.subject, k.type, row_number() over (order by k.id) - 1 as place, count(*) over () as there
        from kept k join feed f on f.kept = k.id and f.agency = $1
        where k.subject like 'incident-%'
    ), added as (
        insert into feed (agency, sequence, kept, subject, type, partnership, redacted, at)
        select $1, standing.last + n, facts.id, facts.subject, facts.type, 'northshire', '{}', clock_timestamp()
        from standing, generate_series(1, $2::int - (select last from standing)::int) n
        join facts on facts.place = n % facts.there
        returning sequence
    )
    update feed_head set last = greatest(last, coalesce((select max(sequence) from added), 0)) where agency = $1
    """


async def _filled(ground: Ground, events: int) -> int:
    """All facts that the agency may read stand in its feed, one after another and again, until there are so many.

    How many different ones: more than delivery remembers decoded, so that each is decoded whenever it comes.
    """
    session = await super_user(ground.stack.postgres.admin_url, "delivery")
    try:
        different: int = await session.fetchval(_DIFFERENT, READER)
        if different <= REMEMBERED:
            raise NotMeasured(f"only {different:,} different facts to replay: delivery remembers {REMEMBERED:,}")
        await session.execute(_FILL, READER, events)
        await session.execute("analyze feed")
        return different
    finally:
        await session.close()


def _on_kafka(ground: Ground) -> bool:
    behind = "select h.last <= o.sequence from feed_head h join outbound o using (agency) where h.agency = $1"
    return bool(ground.value("delivery", behind, READER))


@contextmanager
def _memory(ground: Ground) -> Iterator["Future[float]"]:
    """Megabytes resident, the most while the block ran."""
    pids = [one.pid for one in ground.stack.processes() if one.name in ("delivery", "gateway") and one.pid]
    watched = [psutil.Process(pid) for pid in pids]
    stopped = False

    def most(going: Callable[[], bool]) -> float:
        peak = 0.0
        while going():
            peak = max(peak, sum(one.memory_info().rss for one in watched) / 1e6)
            time.sleep(0.1)
        return peak

    with ThreadPoolExecutor(1) as aside:
        try:
            yield aside.submit(most, lambda: not stopped)
        finally:
            stopped = True
