"""Puts the gateway together."""

import os
import sys
from datetime import datetime, timedelta

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from fastapi import FastAPI

from services.gateway import queries, reactions, receipts, views
from services.gateway.answers import Answers
from services.gateway.api import WayIn, events_router
from services.gateway.api_breach import Breach, breach_router
from services.gateway.api_detail import Detail, detail_router
from services.gateway.api_directory import directory_router
from services.gateway.api_feed import Feeds, feed_router
from services.gateway.api_incidents import Desk, incidents_router, reference_router
from services.gateway.api_onward import Onward, onward_router
from services.gateway.api_records import Records, records_router
from services.gateway.api_reviews import Reviews, reviews_router
from services.gateway.door import Door
from services.gateway.inbound import Drained, Emptying, Inbound
from services.gateway.intake import Intake
from services.gateway.offering import digest_key
from services.gateway.owned import Owned
from services.gateway.passing import Passing
from services.gateway.rolling import Rolling
from services.gateway.routing import route
from services.gateway.tables import VIEWS
from services.gateway.tick import Ticking
from shared import kafka_access
from shared.assembly import Assembly
from shared.consumer import Reactions
from shared.days_off import calendar
from shared.health import Health
from shared.http import serve, too_fast
from shared.limits import Limit
from shared.listed import Standing
from shared.london import london_date
from shared.settings import NEEDED_BY_EVERY_SERVICE, BadSettings, Settings, cursor_key, settings_from
from shared.signals import Signal

NEEDED = (*NEEDED_BY_EVERY_SERVICE, "vault_url", "notifications_url", "rapid_review_url", "delivery_url")

EVENTS_A_SECOND = 2_000.0
EVENTS_AT_ONCE = 20_000.0
"""What one agency may send, over HTTPS, to all gateway processes together."""

STREAMS_AT_ONCE = 2_000
"""Feeds that may be followed through one process: each holds a connection to delivery and one piece of its answer."""

CALENDAR_WARNING = timedelta(days=365)


def app(settings: Settings) -> FastAPI:
    """One process of the gateway."""
    made = Assembly(settings, route=route)
    standing = Standing(made.database)
    made.project(views.keeping(standing.stale))
    intake = Intake(made.workplace, Owned(), lambda: standing.now, made.sealer, digest_key(cursor_key(settings)))
    door = Door(intake, made.database, made.log, made.keys)
    answers = Answers(made.database)
    inbound = Inbound(intake, lambda: standing.now, made.clock, made.sealer)
    kafka = kafka_access.producer_settings(settings)
    emptying = Emptying(made.database, inbound.topics, lambda: AIOKafkaAdminClient(**kafka))
    rolling = Rolling(
        made.database, inbound.topics, lambda: AIOKafkaConsumer(**kafka), lambda: AIOKafkaProducer(**kafka, acks="all")
    )
    drained = Drained(made.database, made.clock, inbound.topics, lambda: AIOKafkaConsumer(**kafka))

    async def arrived(until: datetime) -> bool:
        return door.taken_before(until) and await drained.inbound_drained(until)

    ticking = Ticking(made.workplace, made.database, arrived=arrived)

    react = Reactions(settings.service)
    reactions.register(react)
    answers.register(react)
    inbound.register(react)
    made.read(react)
    made.tasks += [standing.run, door.run, answers.run, emptying.run, rolling.run, ticking.run]

    async def unanswered() -> float:
        async with made.database.reading() as connection:
            since = await receipts.unanswered_since(connection)
        return (made.clock.now() - since).total_seconds() if since else 0.0

    async def unticked() -> float:
        async with made.database.reading() as connection:
            return await queries.unticked(connection, made.clock.now() - timedelta(minutes=1))

    async def uncomputed() -> float:
        async with made.database.reading() as connection:
            return await queries.uncomputed(connection)

    async def calendar_stands() -> Health:
        async with made.database.reading() as connection:
            known = await calendar(connection)
        left = known.last - london_date(made.clock.now())
        if left < CALENDAR_WARNING:
            remedy = "bring the official list of the coming years in with a new release"
            return Health("warning", f"the calendar runs out on {known.last.isoformat()}: {remedy}")
        return Health("ok", f"the calendar runs to {known.last.isoformat()}")

    async def can_seal() -> Health:
        if made.sealer.key is None:
            return Health(
                "failed", "there is no sealing key yet, so no words can be taken in: let the vault be reached"
            )
        return Health("ok")

    made.signals += [
        Signal("submissions_unanswered_seconds", "How long the oldest submission has had no verdict.", unanswered),
        Signal("clocks_unticked", "Clocks that should have been ticked over a minute ago.", unticked),
        Signal("clocks_uncomputed", "Clocks that no known calendar reaches.", uncomputed),
    ]

    limit = Limit(made.database, rate=EVENTS_A_SECOND, burst=EVENTS_AT_ONCE)

    async def allow(who: str, count: int) -> None:
        wait = await limit.take(who, count)
        if wait is not None:
            raise too_fast(wait)

    async def tick() -> None:
        await ticking.tick()

    way = WayIn(door, made.database, lambda: standing.now, answers, made.clock, made.cursors, allow)
    desk = Desk(made.database, made.log, made.clock, made.cursors)
    notifications, rapid_review = (
        Passing(service, httpx.AsyncClient(base_url=url, timeout=30), made.credentials)
        for service, url in (("notifications", settings.notifications_url), ("rapid-review", settings.rapid_review_url))
    )
    onward = Onward(desk, made.vault_client, notifications, rapid_review)
    detail = Detail(desk, made.vault_client)
    many = httpx.Limits(max_connections=STREAMS_AT_ONCE, max_keepalive_connections=50)
    delivery = httpx.AsyncClient(base_url=settings.delivery_url, limits=many)
    feeds = Feeds(delivery, made.credentials)
    return made.app(
        title="Safeguarding Exchange",
        routers=[
            events_router(way),
            incidents_router(desk),
            reference_router(desk),
            directory_router(desk),
            detail_router(detail),
            records_router(Records(detail, made.sealer)),
            breach_router(Breach(detail, delivery, made.credentials)),
            onward_router(onward),
            reviews_router(Reviews(desk, rapid_review)),
            feed_router(feeds),
        ],
        components={"calendar": calendar_stands, "sealing": can_seal},
        views=VIEWS,
        fold=views.apply,
        tick=tick,
        next_due=ticking.next_due,
    )


def main() -> None:
    """Run it with what the environment says."""
    try:
        settings = settings_from(os.environ, need=NEEDED)
        made = app(settings)
    except BadSettings as faults:
        sys.exit(str(faults))
    serve(made, settings)


if __name__ == "__main__":
    main()
