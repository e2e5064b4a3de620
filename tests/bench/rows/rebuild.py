"""A rebuild of the gateway's views: how its time and its memory grow with the log."""

from collections.abc import Iterator
from typing import Any

from infra.postgres.provision import ServiceDatabase, run
from tests.bench.databases import PLACE, fill, fresh, real_facts, super_user
from tests.bench.ground import Ground, child
from tests.bench.verdicts import Promise, Row, slope

LINEAR = Promise("time linear in the length of the log (exponent at most 1.1)", most=1.1, of="ours")
FLAT = Promise("memory flat (peak at the longest log at most 1.1 times that at the shortest)", most=1.1)
PROMISED = 1_000_000


def measure(ground: Ground) -> Iterator[Row]:
    """The log grows from size to size; each rebuild is a process of its own, so that its peak is its own."""
    sizes = (5_000, 10_000, 20_000) if ground.quick else (50_000, 100_000, 200_000, 400_000)
    with ground.only():
        got = list(_rebuilds(ground, sizes))
        times = [(each["facts"], each["seconds"]) for each in got]
        told = "; ".join(
            f"{each['facts']:,} in {each['seconds']:.1f} s, peak {each['peak']:.0f} MB"
            f" ({each['before']:.0f} MB before it)"
            for each in got
        )
        a_million = got[-1]["seconds"] * PROMISED / got[-1]["facts"]
        extrapolated = f"1,000,000 not run: at the rate of the longest, {a_million:,.0f} s (linear extrapolation)"
        conditions = "facts of real incidents, copied; PostgreSQL alone beside it; the other services stopped"
        exponent = slope(times)
        linear = Row("rebuild, time", LINEAR, "exponent", exponent, None, conditions, f"{told}. {extrapolated}")
        yield linear
        yield Row("rebuild, memory", FLAT, "MB", got[-1]["peak"], got[0]["peak"], conditions, told)


def _rebuilds(ground: Ground, sizes: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    admin = ground.stack.postgres.admin_url
    service = run(fresh(admin))
    facts = run(real_facts(admin))
    there = 0
    for size in sizes:
        run(_grow(admin, service, facts, there, size))
        there = size
        got = child("tests.bench.folding", {"runtime_url": service.runtime_url}, 300)
        ground.say(f"  {got['facts']:,} facts in {got['seconds']:.1f} s, peak {got['peak']:.0f} MB")
        yield got


def filled(ground: Ground, size: int) -> ServiceDatabase:
    """A gateway's database whose log has so many facts, in their places, and no views yet."""
    admin = ground.stack.postgres.admin_url
    service = run(fresh(admin))
    run(_grow(admin, service, run(real_facts(admin)), 0, size))
    return service


async def _grow(admin: str, service: ServiceDatabase, facts: list[tuple[Any, ...]], there: int, size: int) -> None:
    session = await super_user(admin, service.name)
    try:
        last = await session.fetchval("select coalesce(max(id), 0) from fact")
        await fill(session, facts, size - there)
        await session.execute(PLACE, there, last)
        await session.execute("analyze fact")
        await session.execute("analyze sequence")
        await session.execute("checkpoint")
    finally:
        await session.close()
