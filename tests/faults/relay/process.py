"""A process of a service that only relays, and can be told to die, or to stand still, at a chosen point.

Run with its orders as JSON in `RELAY_ORDERS`; prints `leads` once it does.
"""

import asyncio
import json
import os
import signal
from typing import Any

from shared.database import Database
from shared.publisher import Publisher
from shared.relay import Relay
from shared.sequencer import _KEEP, Sequencer


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stand_still() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def plant(point: str) -> None:
    """Have this process end, or stop, where `point` says."""
    keep, next_batch = Sequencer._keep, Sequencer.next_batch
    send, offer, mark = Publisher._send, Publisher.offer, Relay._mark

    async def before_sequencing(self: Sequencer, *given: Any) -> None:
        die()

    async def after_sequencing(self: Sequencer, *given: Any) -> Any:
        if batch := await next_batch(self, *given):
            die()
        return batch

    async def before_send(self: Publisher, *given: Any) -> None:
        die()

    async def after_send(self: Publisher, *given: Any) -> Any:
        await send(self, *given)
        die()

    async def before_marking(self: Relay, *given: Any) -> None:
        die()

    async def after_marking(self: Relay, *given: Any) -> None:
        await mark(self, *given)
        die()

    async def pause_before_writing(self: Sequencer, *given: Any) -> None:
        stand_still()
        await keep(self, *given)

    async def pause_inside_the_transaction(self: Sequencer, batch: Any, befores: Any) -> None:
        columns = [[getattr(s, name) for s in batch] for name in ("position", "fact", "topic", "partition", "previous")]
        await self._session.execute("begin")
        await self._session.execute(_KEEP, *columns, befores, [s.hash for s in batch])
        stand_still()
        await self._session.execute("commit")

    def pause_before_publishing(self: Publisher, batch: Any) -> None:
        stand_still()
        offer(self, batch)

    planted: dict[str, tuple[Any, str, Any]] = {
        "before sequencing": (Sequencer, "_keep", before_sequencing),
        "after sequencing": (Sequencer, "next_batch", after_sequencing),
        "before send": (Publisher, "_send", before_send),
        "after send": (Publisher, "_send", after_send),
        "before marking": (Relay, "_mark", before_marking),
        "after marking": (Relay, "_mark", after_marking),
        "pause before writing": (Sequencer, "_keep", pause_before_writing),
        "pause inside the transaction": (Sequencer, "_keep", pause_inside_the_transaction),
        "pause before publishing": (Publisher, "offer", pause_before_publishing),
    }
    owner, name, fault = planted[point]
    setattr(owner, name, fault)


async def main() -> None:
    orders = json.loads(os.environ["RELAY_ORDERS"])
    if orders["point"]:
        plant(orders["point"])
    relay = Relay(
        "ground", Database(orders["url"], pool_size=2), orders["producer"], orders["partitions"], lease_seconds=2
    )
    running = asyncio.create_task(relay.run())
    while not relay.leads:  # noqa: ASYNC110 - the relay has no event for it, and needs none
        await asyncio.sleep(0.01)
    print("leads", flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(main())
