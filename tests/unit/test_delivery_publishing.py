"""Feeds are published side by side, some at a time: one that fails holds up none of the others."""

from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer

from services.delivery.heads import Heads
from services.delivery.publishing import FEEDS_AT_ONCE, Due, Publishing, Unplaced
from shared.clock import RealClock
from shared.database import Database


class OneFails(Publishing):
    """The first of many feeds cannot be published, as where somebody made its topic anew in another way."""

    def __init__(self) -> None:
        unused: Any = None
        super().__init__(cast(Database, unused), cast(Heads, unused), RealClock(), {}, unused, leads=lambda: 1)
        self.published: list[str] = []

    async def _due(self) -> list[Due]:
        return [Due(f"agency-{number:03}", 0, 0, 0) for number in range(2 * FEEDS_AT_ONCE + 1)]

    async def _one(self, producer: AIOKafkaProducer, due: Due) -> None:
        if due.agency == "agency-000":
            raise Unplaced
        self.published.append(due.agency)


async def test_a_feed_that_cannot_be_published_holds_up_none_of_the_many_behind_it() -> None:
    publishing = OneFails()
    with pytest.raises(Unplaced):
        await publishing.once(cast(AIOKafkaProducer, None))
    assert len(publishing.published) == 2 * FEEDS_AT_ONCE
