"""The relay, sequencing and hashing included, held against a raw producer."""

from collections.abc import Iterator

from tests.bench.ground import Ground, child
from tests.bench.verdicts import Promise, Row, Spread

PROMISE = Promise("at least 0.4 of a raw aiokafka producer sending the same bytes", least=0.4)


def measure(ground: Ground) -> Iterator[Row]:
    """A whole relay over a log of its own: lease, places, hash chain, durable commits, headers, spans, marks."""
    count, rounds = (4_000, 2) if ground.quick else (30_000, 4)
    job = ground.job() | {"count": count, "rounds": rounds, "profile": False}
    with ground.only():
        got = child("tests.bench.relaying", job, 240)
        row = _row(got, count, rounds)
        yield row
        if row.met is False:
            child("tests.bench.relaying", job | {"rounds": 0, "profile": True}, 240)


def _row(got: dict[str, list[float]], count: int, rounds: int) -> Row:
    ours, raw = Spread(tuple(got["ours"])), Spread(tuple(got["raw"]))
    conditions = (
        f"{count:,} facts of real incidents ({got['bytes']:,.0f} bytes each on average) committed at once, from the"
        " commit to the mark that Kafka has the last; against the same keys and bytes, idempotent, acks=all, pipelined;"
        f" 6 partitions, SASL; {rounds} rounds in turn"
    )
    return Row(
        "relay, sequencing and hashing included",
        PROMISE,
        "events/s",
        ours.middle,
        raw.middle,
        conditions,
        f"rounds {ours} against {raw}",
    )
