"""The reader on a real Kafka and PostgreSQL: each fact has its effect once, whatever came with it or before it."""

import pytest

from tests.faults.consumer.ground import Ground, closed, ground, relay, subject, until
from tests.stacks import Stack


@pytest.fixture
async def here(stack: Stack) -> Ground:
    return await ground(stack)


async def test_each_fact_has_its_effect_once_and_in_order(here: Ground) -> None:
    async with relay(here.stack.kafka, here.topic) as gateway:
        sent = [
            await gateway.send(closed(subject(key), version).to_json(), subject(key))
            for version in (1, 2, 3)
            for key in (1, 2)
        ]
        for again in sent:
            await gateway.again(again)
    async with here.database() as database:
        reader = here.reader(database)
        async with here.running(reader):
            await until(lambda: reached(here, 12))
    assert await here.rows() == [(subject(key), version) for version in (1, 2, 3) for key in (1, 2)]
    assert await here.rows("select count(*) from fact") == [(6,)]


async def reached(here: Ground, offset: int) -> bool:
    return await here.committed() == offset
