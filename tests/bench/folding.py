"""The rebuild's child: the gateway's views made anew from a log of a given length, in a process of its own."""

import asyncio
import cProfile
import json
import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

import psutil
from sqlalchemy import MetaData

from services.gateway import views
from services.gateway.routing import route
from services.gateway.tables import VIEWS
from shared.database import Database
from shared.eventlog import EventLog, log_tables
from shared.rebuild import rebuild
from tests.bench.profiling import FOLDER, written


async def folding(job: Mapping[str, Any]) -> dict[str, Any]:
    """What a rebuild came to: facts, seconds, and megabytes resident before it and at their most."""
    database = Database(job["runtime_url"])
    log = EventLog("gateway", log_tables(MetaData()), route)
    before = psutil.Process().memory_info().rss / 1e6
    try:
        with cProfile.Profile(time.thread_time) as profile:
            if not job.get("profile"):
                profile.disable()
            done = await rebuild(database, log, VIEWS, views.apply)
    finally:
        await database.close()
    if job.get("profile"):
        written(profile, FOLDER / f"{job['profile']}.txt")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"facts": done.facts, "seconds": done.seconds, "before": before, "peak": peak}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(folding(json.load(sys.stdin)))))
