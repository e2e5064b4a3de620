"""A process of delivery that only publishes feeds, and stands still just before it sends a chosen batch.

Run with its orders as JSON in `DELIVERY_ORDERS`; says what became of that batch, and ends.
"""

import asyncio
import json
import os
import signal
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.delivery import publishing
from services.delivery.heads import Heads
from services.delivery.publishing import Publishing
from shared.clock import RealClock
from shared.database import Database
from shared.producing import deliver


async def main() -> None:
    orders = json.loads(os.environ["DELIVERY_ORDERS"])
    told = asyncio.Event()
    sends = 0

    async def stands_still(producer: Any, builder: Any, topic: str, partition: int) -> int:
        nonlocal sends
        sends += topic == orders["topic"]
        if topic != orders["topic"] or sends < orders["stops_at"] or told.is_set():
            return await deliver(producer, builder, topic, partition)
        os.kill(os.getpid(), signal.SIGSTOP)
        told.set()
        try:
            offset = await deliver(producer, builder, topic, partition)
        except KafkaError as refusal:
            print(type(refusal).__name__, flush=True)
            raise
        print("sent", flush=True)
        return offset

    vars(publishing).update(deliver=stands_still, topic_of=orders["topics"].__getitem__)
    database = Database(orders["url"], pool_size=5)
    publisher = Publishing(
        database,
        Heads(database),
        RealClock(),
        orders["kafka"],
        lambda: AIOKafkaAdminClient(**orders["kafka"]),
        leads=lambda: int(orders["term"]),
    )
    running = asyncio.create_task(publisher.run())
    await told.wait()
    await asyncio.sleep(1.5)  # it goes on meanwhile as one that has not noticed that another leads
    running.cancel()


if __name__ == "__main__":
    asyncio.run(main())
