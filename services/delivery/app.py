"""Puts delivery together."""

import os
import sys

from aiokafka.admin import AIOKafkaAdminClient
from fastapi import FastAPI

from services.delivery import records
from services.delivery.api import (
    READS_A_SECOND,
    READS_AT_ONCE,
    REPLAYS_A_SECOND,
    REPLAYS_AT_ONCE,
    Desk,
    delivery_router,
)
from services.delivery.heads import Heads
from services.delivery.publishing import Publishing
from services.delivery.reactions import reactions
from services.delivery.standing import Receipts, StandingTests
from shared import kafka_access
from shared.assembly import Assembly
from shared.http import serve
from shared.limits import Limit
from shared.settings import NEEDED_BY_EVERY_SERVICE, BadSettings, Settings, settings_from
from shared.signals import Signal

NEEDED = (*NEEDED_BY_EVERY_SERVICE, "vault_url")


def app(settings: Settings) -> FastAPI:
    """One process of delivery."""
    made = Assembly(settings)
    heads = Heads(made.database)
    kafka = kafka_access.producer_settings(settings)
    ends = kafka_access.Ends(settings)

    def admin() -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(**kafka)

    def leads() -> int:
        return made.relay.leading

    publishing = Publishing(made.database, heads, made.clock, kafka, admin, leads=leads)
    testing = StandingTests(made.database, made.clock, heads.ring)
    receipts = Receipts(made.database, made.clock, ends, admin, leads=leads)
    made.read(reactions(heads.ring))
    made.tasks += [heads.run, publishing.run, testing.run, receipts.run]

    async def unpublished() -> float:
        return await records.unpublished(made.database)

    async def silent() -> float:
        return len(await records.silent(made.database, made.clock.now()))

    made.signals += [
        Signal("feeds_unpublished", "Events that agencies' topics do not have yet.", unpublished, quiet=True),
        Signal("feeds_silent", "Agencies that have not seen a standing test of half an hour ago.", silent),
    ]
    reads = Limit(made.database, rate=READS_A_SECOND, burst=READS_AT_ONCE)
    replays = Limit(made.database, rate=REPLAYS_A_SECOND, burst=REPLAYS_AT_ONCE)
    desk = Desk(made.database, heads, made.clock, made.cursors, reads, replays)
    return made.app(title="Delivery", routers=[delivery_router(desk)])


def main() -> None:
    """Run it with what the environment says."""
    try:
        settings = settings_from(os.environ, need=NEEDED)
    except BadSettings as faults:
        sys.exit(str(faults))
    serve(app(settings), settings)


if __name__ == "__main__":
    main()
