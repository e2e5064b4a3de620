"""One limit for each caller, however many processes it comes in by."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from infra.postgres.provision import ServiceDatabase
from shared.database import Database
from shared.limits import Limit, limit_table
from tests.stacks import Stack

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def service(stack: Stack) -> ServiceDatabase:
    made = stack.create_database(f"limits_{uuid4().hex[:8]}")
    metadata = MetaData()
    limit_table(metadata)
    engine = create_async_engine(made.owner_url)
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.exec_driver_sql(f'grant select, insert, update on rate_limit to "{made.runtime_role}"')
    await engine.dispose()
    return made


@pytest.fixture
async def database(service: ServiceDatabase) -> AsyncIterator[Database]:
    opened = Database(service.runtime_url, pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
def caller() -> str:
    return f"agency-{uuid4().hex}"


async def test_a_burst_passes_and_then_the_rate_holds(database: Database, caller: str) -> None:
    limit = Limit(database, rate=0.001, burst=10)

    taken = [await limit.take(caller) for _ in range(10)]
    refused = await limit.take(caller)

    assert taken == [None] * 10
    assert refused is not None
    assert 900 < refused <= 1000, "a token comes every thousand seconds"


async def test_one_callers_haste_is_not_anothers_trouble(database: Database, caller: str) -> None:
    limit = Limit(database, rate=0.001, burst=1)
    await limit.take(caller)

    assert await limit.take(caller) is not None
    assert await limit.take(f"{caller}-other") is None


async def test_tokens_come_back_with_time(database: Database, caller: str) -> None:
    limit = Limit(database, rate=20, burst=1)
    await limit.take(caller)
    wait = await limit.take(caller)

    assert wait is not None
    await asyncio.sleep(wait + 0.02)
    assert await limit.take(caller) is None


async def test_a_batch_costs_what_it_holds_and_one_too_large_is_possible_at_some_time(
    database: Database, caller: str
) -> None:
    limit = Limit(database, rate=0.001, burst=100)

    assert await limit.take(caller, 60) is None
    assert await limit.take(caller, 60) is not None
    assert await limit.take(caller, 10) is None, "what is left still serves a smaller request"
    assert await limit.take(f"{caller}-large", 1000) is None


async def test_most_requests_need_no_database(database: Database, caller: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = 0
    draw = Limit._draw

    async def counted(self: Limit, *args: object) -> float | None:
        nonlocal drawn
        drawn += 1
        return await draw(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Limit, "_draw", counted)
    limit = Limit(database, rate=1000, burst=2000)
    await asyncio.gather(*(limit.take(caller) for _ in range(1000)))
    assert drawn <= 5

    hurried = Limit(database, rate=0.001, burst=1)
    before = drawn
    for _ in range(50):
        await hurried.take(f"{caller}-hurried")
    assert drawn - before <= 3, "who is refused and does not wait is not looked up again"


HAMMER = """
import asyncio, json, sys, time
from shared.database import Database
from shared.limits import Limit

async def main(url, caller, rate, burst, seconds):
    database = Database(url, pool_size=2)
    limit = Limit(database, rate=rate, burst=burst)
    passed = 0
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        wait = await limit.take(caller)
        if wait is None:
            passed += 1
        else:
            await asyncio.sleep(min(wait, 0.01))
    await database.close()
    print(json.dumps(passed))

asyncio.run(main(sys.argv[1], sys.argv[2], *map(float, sys.argv[3:])))
"""


def test_two_processes_share_one_limit(service: ServiceDatabase, caller: str) -> None:
    rate, burst, seconds = 100.0, 50.0, 2.0
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HAMMER, service.runtime_url, caller, str(rate), str(burst), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(lambda process: process.communicate("go\n", 60), processes))
    elapsed = time.monotonic() - began

    passed = [json.loads(out) for out, _ in outputs]
    assert sum(passed) <= burst + rate * elapsed
    assert sum(passed) >= 0.7 * (burst + rate * seconds), "and the limit can be used up"
    assert min(passed) > 0, "neither shuts the other out"
