"""The ticks' child: what one tick costs beside few and beside many clocks that are not yet due, by turns."""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import MetaData

from services.gateway import views
from services.gateway.routing import route
from services.gateway.tick import Ticking
from shared.clock import clock_from
from shared.consumer import Workplace
from shared.database import Database
from shared.days_off import calendar
from shared.eventlog import EventLog, log_tables
from tests.bench.databases import fresh_gateway, super_user

# As a referral leaves them: running, counted over days to come, and with something to say from tomorrow on.
_CLOCKS = """
    insert into clock (incident, key, partnership, rule, edition, state, provisional, running, day0, due, late_from,
        awaiting_reason, reckoned, next_instant, held)
    select 'incident-' || md5(n::text), 'T01', 'northshire', 'T01', '2026', 'running', true, true,
        current_date, current_date + 7 + n % 20, now() + interval '8 days', false,
        '{"days": [{"day": "2026-08-28"}]}', now() + interval '1 day' + n * interval '1 second', false
    from generate_series(1, $1::int) n
    """


async def ticking(job: Mapping[str, Any]) -> dict[str, Any]:
    """Milliseconds of each tick beside the fewest and beside the most clocks."""
    grounds = [await _ground(job, count) for count in (job["few"], job["many"])]
    took: list[list[float]] = [[], []]
    for number in range(job["rounds"] + 5):
        for place, (_, ticks) in enumerate(grounds):
            began = time.perf_counter()
            await ticks.tick()
            if number >= 5:
                took[place].append((time.perf_counter() - began) * 1000)
    for database, _ in grounds:
        await database.close()
    return {"few": took[0], "many": took[1]}


async def _ground(job: Mapping[str, Any], count: int) -> tuple[Database, Ticking]:
    service = await fresh_gateway(job["admin_url"])
    session = await super_user(job["admin_url"], service.name)
    await session.execute(_CLOCKS, count)
    await session.execute("vacuum analyze clock")
    await session.close()
    database = Database(service.runtime_url)
    log = EventLog("gateway", log_tables(MetaData()), route)
    place = Workplace("gateway", log, clock_from(None), lambda tx: calendar(tx.connection), views.apply)
    return database, Ticking(place, database, arrived=_arrived)


async def _arrived(_: datetime) -> bool:
    return True


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ticking(json.load(sys.stdin)))))
