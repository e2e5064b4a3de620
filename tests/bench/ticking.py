"""The ticks' child: what one tick costs beside few and beside many clocks, or reviews, not yet due, by turns."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import MetaData

import services.gateway
import services.rapid_review
from infra.postgres.provision import ServiceDatabase
from services.gateway import views
from services.gateway.routing import route
from services.gateway.tick import Ticking as ClocksTicking
from services.rapid_review.agenda import ReviewAgenda
from services.rapid_review.proposals import Projection
from shared.assembly import by_subject
from shared.clock import clock_from
from shared.consumer import Workplace
from shared.database import Database
from shared.days_off import calendar
from shared.eventlog import EventLog, log_tables
from shared.ticking import Ticking
from tests.bench.databases import fresh, super_user

# As a referral leaves them: running, counted over days to come, and with something to say from tomorrow on.
_CLOCKS = """
    insert into clock (incident, key, partnership, rule, edition, state, provisional, running, day0, due, late_from,
        awaiting_reason, reckoned, next_instant, held)
    select 'incident-' || md5(n::text), 'T01', 'northshire', 'T01', '2026', 'running', true, true,
        current_date, current_date + 7 + n % 20, now() + interval '8 days', false,
        '{"days": [{"day": "2026-08-28"}]}', now() + interval '1 day' + n * interval '1 second', false
    from generate_series(1, $1::int) n
    """
# As an open review leaves its line: a clock runs and agencies owe answers, by today's calendar.
_REVIEWS = """
    insert into agenda (stream, partnership, next_at, running, calendar)
    select 'review-' || md5(n::text), 'northshire', now() + interval '1 day' + n * interval '1 second', true, $2
    from generate_series(1, $1::int) n
    """


class Ticks(Protocol):
    async def tick(self) -> int: ...


async def ticking(job: Mapping[str, Any]) -> dict[str, Any]:
    """Milliseconds of each tick beside the fewest and beside the most of what `job["of"]` names."""
    grounds = [await _GROUNDS[job["of"]](job, count) for count in (job["few"], job["many"])]
    took: list[list[float]] = [[], []]
    for number in range(job["rounds"] + 5):
        for place, (_, ticks) in enumerate(grounds):
            began = time.perf_counter()
            told = await ticks.tick()
            if number >= 5:
                took[place].append((time.perf_counter() - began) * 1000)
                assert not told, "something was due"
    for database, _ in grounds:
        await database.close()
    return {"few": took[0], "many": took[1]}


async def _clocks(job: Mapping[str, Any], count: int) -> tuple[Database, Ticks]:
    service = await fresh(job["admin_url"], services.gateway)
    await _filled(job, service, "clock", _CLOCKS, count)
    database = Database(service.runtime_url)
    log = EventLog("gateway", log_tables(MetaData()), route)
    place = Workplace("gateway", log, clock_from(None), lambda tx: calendar(tx.connection), views.apply)
    return database, ClocksTicking(place, database, arrived=_arrived)


async def _reviews(job: Mapping[str, Any], count: int) -> tuple[Database, Ticks]:
    service = await fresh(job["admin_url"], services.rapid_review)
    database = Database(service.runtime_url)
    async with database.reading() as connection:
        edition = (await calendar(connection)).edition
    await _filled(job, service, "agenda", _REVIEWS, count, edition)
    log, clock = EventLog("rapid-review", log_tables(MetaData()), by_subject), clock_from(None)
    place = Workplace("rapid-review", log, clock, lambda tx: calendar(tx.connection), Projection(log, clock))
    return database, Ticking(ReviewAgenda(place), database, log, clock)


_GROUNDS: Mapping[str, Callable[[Mapping[str, Any], int], Awaitable[tuple[Database, Ticks]]]] = {
    "clocks": _clocks,
    "reviews": _reviews,
}


async def _filled(job: Mapping[str, Any], service: ServiceDatabase, table: str, insert: str, *values: Any) -> None:
    session = await super_user(job["admin_url"], service.name)
    await session.execute(insert, *values)
    await session.execute(f"vacuum analyze {table}")
    await session.close()


async def _arrived(_: datetime) -> bool:
    return True


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ticking(json.load(sys.stdin)))))
