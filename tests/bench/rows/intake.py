"""Intake over HTTPS, held against the bare handler."""

from collections.abc import Iterator

from tests.bench.events import senders
from tests.bench.ground import Ground
from tests.bench.load import Outcome
from tests.bench.verdicts import Promise, Row, Spread

ONE = Promise("at least 0.4 of a bare FastAPI handler doing one durable PostgreSQL insert", least=0.4)
P99 = Promise("p99 at most 3 times the bare handler's", most=3)
BATCHES = Promise("at least 2 times the bare handler's requests, in events a second", least=2)
BATCH = 100
CONNECTIONS = 8


def measure(ground: Ground) -> Iterator[Row]:
    """One gateway process with all that is its own; the other services' part is measured in rows of their own."""
    seconds, rounds = (2.0, 2) if ground.quick else (5.0, 4)
    conditions = (
        f"{CONNECTIONS} connections of 4 agencies, referrals of 1.6 kB with a child's identity and words;"
        " one gateway process: sign-in, checks, limits, sealing, decision and clocks, log, views, receipt, one durable"
        " commit, telemetry, and its relay sequencing, hashing and publishing meanwhile; generator, PostgreSQL and"
        f" Kafka on the same machine; {rounds} rounds of {seconds:.0f} s in turn"
    )
    with ground.only("gateway"):
        one, bare = _alternating(ground, 0, seconds, rounds)
        first = _rates("intake, one event a request", ONE, one, bare, conditions)
        yield first
        p99 = Spread(tuple(each.p99 for each in one)), Spread(tuple(each.p99 for each in bare))
        yield Row(
            "intake, p99 of a request",
            P99,
            "ms",
            p99[0].middle,
            p99[1].middle,
            conditions,
            f"p50 {_middle(one, 'p50'):.1f} ms against {_middle(bare, 'p50'):.1f} ms; rounds {p99[0]} against {p99[1]}",
        )
        many, bare = _alternating(ground, BATCH, seconds, rounds)
        batches = _rates(f"intake, batches of {BATCH}", BATCHES, many, bare, conditions)
        yield batches
        for row, batch, name in ((first, 0, "intake-one"), (batches, BATCH, "intake-batches")):
            if row.met is False:
                with ground.profile("gateway", name):
                    ground.load(senders(ground, ground.stack.urls["gateway"], batch=batch), seconds)


def _alternating(ground: Ground, batch: int, seconds: float, rounds: int) -> tuple[list[Outcome], list[Outcome]]:
    ours, bare = [], []
    for number in range(rounds + 1):
        theirs = ground.load(senders(ground, ground.reference_url), seconds)
        mine = ground.load(senders(ground, ground.stack.urls["gateway"], batch=batch), seconds)
        ground.until(ground.published, 60, "the relay never caught up")
        if number:  # the first of each warms up
            bare.append(theirs)
            ours.append(mine)
            ground.say(f"  batch {batch or 1}: {mine.rate:,.0f}/s against {theirs.rate:,.0f}/s")
    return ours, bare


def _rates(name: str, promise: Promise, ours: list[Outcome], bare: list[Outcome], conditions: str) -> Row:
    mine, theirs = (Spread(tuple(each.rate for each in outcomes)) for outcomes in (ours, bare))
    note = f"rounds {mine} against {theirs}"
    return Row(name, promise, "events/s", mine.middle, theirs.middle, conditions, note)


def _middle(outcomes: list[Outcome], name: str) -> float:
    return Spread(tuple(getattr(each, name) for each in outcomes)).middle
