"""What a tick costs beside deadlines that are not yet due."""

from collections.abc import Iterator

from tests.bench.ground import Ground, child
from tests.bench.verdicts import Promise, Row, Spread

PROMISE = Promise(
    "a tick's cost does not grow with deadlines not yet due (at most 1.5 times, 1,000,000 against 10,000)", most=1.5
)


def measure(ground: Ground) -> Iterator[Row]:
    """Ticks beside few and beside many clocks, by turns, in the gateway's own tables."""
    few, many = (10_000, 100_000) if ground.quick else (10_000, 1_000_000)
    rounds = 50 if ground.quick else 200
    with ground.only():
        got = child(
            "tests.bench.ticking", ground.job() | {"of": "clocks", "few": few, "many": many, "rounds": rounds}, 300
        )
    beside_many, beside_few = Spread(tuple(got["many"])), Spread(tuple(got["few"]))
    yield Row(
        "deadlines, one tick",
        PROMISE,
        "ms",
        beside_many.middle,
        beside_few.middle,
        f"{many:,} clocks not yet due (ours) against {few:,} (reference); {rounds} ticks of each in turn, nothing due",
        "" if many == 1_000_000 else f"--quick: {many:,} clocks, not 1,000,000",
    )
