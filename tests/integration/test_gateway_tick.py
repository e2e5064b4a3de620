"""Ticks on a real PostgreSQL: once each however many tick, held back for a verdict, woken by a proclaimed day."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from contracts.calendars import CalendarDayAdded, CalendarDayProposed
from contracts.codes import Role
from contracts.envelope import AnyEvent
from infra.postgres.provision import ServiceDatabase
from services.gateway import queries, receipts, views
from services.gateway.receipts import Receipt
from services.gateway.tables import VIEWS
from shared.database import Database
from shared.rebuild import rebuild
from tests.integration.gateway_ticks import Gateway, SetClock, gateway_database
from tests.stacks import Stack
from tests.unit.gateway_stories import (
    HOST,
    REASON,
    decision,
    explanation,
    london,
    not_notifiable,
    submission,
    told,
)

MIDNIGHT, MORNING = london("2026-03-18", "00:00"), london("2026-03-18", "09:00")
"""Of the day after the due day of an incident known on 10 March 2026."""


@pytest.fixture
async def gateway(stack: Stack) -> AsyncIterator[Gateway]:
    service: ServiceDatabase = await gateway_database(stack)
    database = Database(service.runtime_url, pool_size=6)
    yield Gateway(database, SetClock(london("2026-03-10")))
    await database.close()


async def notifiable(gateway: Gateway, aware: datetime) -> str:
    name = await gateway.refer(aware)
    await gateway.propose(name, decision(aware, reasons=REASON), aware + timedelta(hours=1))
    return name


def names(facts: list[AnyEvent], clock: str = "T01") -> list[str]:
    return [fact.name for fact in facts if getattr(fact.data, "clock", "") == clock]


async def submitted_unanswered(gateway: Gateway, incident: str, at: datetime, status: str = "pending") -> None:
    receipt = Receipt(
        "submission-" + "1" * 32,
        status,
        at,
        "northbank-council",
        source="/agencies/northbank-council",
        event_id="mine-1",
        type="notification.submitted.v1",
        partnership="northbank",
        incident=incident,
        facts=("fact-not-heard-yet",) if status == "accepted" else (),
    )
    async with gateway.database.transaction() as tx:
        await receipts.record(tx, [receipt])


async def test_warnings_misses_and_chasers_come_at_their_instants_and_once_each(gateway: Gateway) -> None:
    name = await notifiable(gateway, london("2026-03-10"))
    for at in ("13T09:00", "16T09:00", "18T00:00", "18T09:00", "19T09:00"):
        instant = london(f"2026-03-{at[:2]}", at[3:])
        assert await gateway.tick(instant - timedelta(seconds=1)) == 0
        async with gateway.database.reading() as connection:
            assert await queries.next_due(connection) == instant
        assert await gateway.tick(instant) == 3
        assert await gateway.tick(instant) == 0
    told_of_t01 = [fact for fact in await gateway.facts(name) if names([fact])]
    assert [(f.name, f.time) for f in told_of_t01[2:]] == [
        ("deadline.due-soon", london("2026-03-13", "09:00")),
        ("deadline.due-soon", london("2026-03-16", "09:00")),
        ("deadline.missed", MIDNIGHT),
        ("deadline.missed", MORNING),
        ("deadline.missed", london("2026-03-19", "09:00")),
    ]
    assert [f.data.working_day for f in told_of_t01[2:4]] == [3, 4]
    assert [(f.data.working_days_late, f.data.again) for f in told_of_t01[4:]] == [(1, False), (1, True), (2, True)]
    assert {f.actor for f in told_of_t01[2:]} == {None}


async def test_after_an_outage_one_notice_tells_how_it_stands_now(gateway: Gateway) -> None:
    name = await notifiable(gateway, london("2026-03-10"))
    await gateway.tick(london("2026-03-25", "12:00"))
    told_of_t01 = [fact for fact in await gateway.facts(name) if names([fact])][2:]
    assert [(f.name, f.data.working_days_late) for f in told_of_t01] == [("deadline.missed", 6)]


async def test_two_processes_that_tick_at_once_tell_everything_once(gateway: Gateway) -> None:
    incidents = [await notifiable(gateway, london("2026-03-10")) for _ in range(60)]
    gateway.clock.time = MIDNIGHT
    told = await asyncio.gather(*(gateway.ticking().tick() for _ in range(4)))
    await gateway.tick(MIDNIGHT)
    for name in incidents:
        assert names(await gateway.facts(name)).count("deadline.missed") == 1
    assert sum(told) <= 180


async def test_what_another_process_decides_about_at_this_moment_is_not_waited_for(gateway: Gateway) -> None:
    busy, free = [await notifiable(gateway, london("2026-03-10")) for _ in range(2)]
    async with gateway.database.transaction() as other:
        await views.lock(other, [busy])
        async with asyncio.timeout(20):
            assert await gateway.tick(MIDNIGHT) == 3
    assert names(await gateway.facts(free))[-1] == "deadline.missed"
    assert await gateway.tick(MIDNIGHT) == 3


async def test_an_incident_that_cannot_be_ticked_holds_up_no_other(gateway: Gateway) -> None:
    broken, sound = [await notifiable(gateway, london("2026-03-10")) for _ in range(2)]
    await gateway.rows(
        "insert into fact (stream, version, type, event_id, partnership, occurred_at, recorded_at, business_date,"
        " topic, key, event) select stream, 99, type, 'unreadable', partnership, occurred_at, recorded_at,"
        " business_date, topic, key, 'not JSON' from fact where stream = $1 and version = 1",
        broken,
    )
    await gateway.tick(MIDNIGHT)
    assert names(await gateway.facts(sound))[-1] == "deadline.missed"
    async with gateway.database.reading() as connection:
        assert await queries.next_due(connection) == MIDNIGHT + timedelta(minutes=1)


async def test_no_miss_is_told_while_a_submission_in_time_awaits_its_verdict(gateway: Gateway) -> None:
    name = await notifiable(gateway, london("2026-03-10"))
    await submitted_unanswered(gateway, name, MIDNIGHT - timedelta(seconds=1))
    await gateway.tick(MIDNIGHT)
    assert names(await gateway.facts(name)) == ["deadline.set", "deadline.recomputed"]
    async with gateway.database.reading() as connection:
        assert await queries.next_due(connection) == MORNING
    await gateway.tick(MORNING)
    missed = [fact for fact in await gateway.facts(name) if names([fact])][-1]
    assert (missed.name, missed.data.answer_outstanding) == ("deadline.missed", True)


async def test_a_held_miss_is_told_as_soon_as_the_submission_was_refused(gateway: Gateway) -> None:
    name = await notifiable(gateway, london("2026-03-10"))
    await submitted_unanswered(gateway, name, MIDNIGHT - timedelta(seconds=1))
    await gateway.tick(MIDNIGHT)
    await gateway.rows("update submission set status = 'refused'")
    await gateway.tick(MIDNIGHT + timedelta(minutes=1))
    missed = [fact for fact in await gateway.facts(name) if names([fact])][-1]
    assert (missed.name, missed.time, missed.data.answer_outstanding) == ("deadline.missed", MIDNIGHT, False)


async def test_a_submission_that_arrived_after_midnight_holds_nothing_back(gateway: Gateway) -> None:
    name = await notifiable(gateway, london("2026-03-10"))
    await submitted_unanswered(gateway, name, MIDNIGHT)
    await gateway.tick(MIDNIGHT + timedelta(seconds=1))
    assert names(await gateway.facts(name))[-1] == "deadline.missed"


async def test_no_miss_is_told_between_an_acceptance_and_its_fact(gateway: Gateway) -> None:
    name = await notifiable(gateway, london("2026-03-10"))
    await submitted_unanswered(gateway, name, MIDNIGHT - timedelta(minutes=1), status="accepted")
    await gateway.tick(MIDNIGHT)
    await gateway.hear(name, submission(MIDNIGHT - timedelta(minutes=2)), MIDNIGHT + timedelta(seconds=2))
    await gateway.tick(MORNING)
    assert names(await gateway.facts(name)) == ["deadline.set", "deadline.recomputed", "deadline.met"]


async def test_no_miss_is_told_while_messages_from_before_midnight_are_on_their_way_in(gateway: Gateway) -> None:
    taken_in = MIDNIGHT - timedelta(minutes=5)

    async def arrived(before: datetime) -> bool:
        return before <= taken_in

    gateway.arrived = arrived
    name = await notifiable(gateway, london("2026-03-10"))
    await gateway.tick(MIDNIGHT)
    assert "deadline.missed" not in names(await gateway.facts(name))
    await gateway.tick(MORNING)
    missed = [fact for fact in await gateway.facts(name) if names([fact])][-1]
    assert (missed.name, missed.data.answer_outstanding) == ("deadline.missed", False)


async def test_a_proclaimed_day_recomputes_open_clocks_at_the_next_tick_and_no_closed_one(gateway: Gateway) -> None:
    running, closed = [await notifiable(gateway, london("2026-03-10")) for _ in range(2)]
    await gateway.hear(closed, submission(london("2026-03-11")), london("2026-03-11"))
    day = {"day": date(2026, 3, 16), "title": "A proclaimed day", "source": "The Gazette, 1"}
    await gateway.proclaim(CalendarDayProposed(**day), london("2026-03-11"), "first")
    async with gateway.database.reading() as connection:
        (task,) = [
            task
            for task in await queries.waiting_for(
                connection, areas=[HOST], partnerships=["northbank"], roles=[Role.BUSINESS_UNIT]
            )
            if task.kind == "approve_day"
        ]
    assert task.day == date(2026, 3, 16)
    assert await gateway.tick(london("2026-03-11", "11:00")) == 0
    await gateway.proclaim(CalendarDayAdded(**day), london("2026-03-11", "11:01"), "second")
    await gateway.tick(london("2026-03-11", "12:30"))
    (again,) = [f for f in await gateway.facts(running) if f.name == "deadline.recomputed" and names([f])][1:]
    assert (again.data.because, again.data.reckoned.due) == ("calendar", date(2026, 3, 18))
    assert again.data.reckoned.calendar.endswith("+001")
    assert again.data.before.due == date(2026, 3, 17)
    assert names(await gateway.facts(closed))[-1] == "deadline.met"
    assert await gateway.tick(london("2026-03-11", "12:31")) == 0


async def test_a_clock_set_under_the_old_calendar_while_the_day_was_added_is_found(gateway: Gateway) -> None:
    day = {"day": date(2026, 3, 16), "title": "A proclaimed day", "source": "The Gazette, 1"}
    await gateway.proclaim(CalendarDayProposed(**day), london("2026-03-10"), "first")
    await gateway.proclaim(CalendarDayAdded(**day), london("2026-03-10"), "second")
    name = await gateway.refer(london("2026-03-10"))
    await gateway.rows(
        "update clock set next_instant = null, reckoned = replace(reckoned, '2026-03-16', '2026-03-01')"
        " where incident = $1",
        name,
    )
    gateway.clock.time = london("2026-03-10", "10:05")
    async with gateway.database.transaction() as tx:
        await queries.wake_recently_proclaimed(tx, gateway.clock.now())
    woken = await gateway.rows("select key from clock where next_instant is not null order by key")
    assert [key for (key,) in woken] == ["T01", "T02:northbank-icb", "T02:northbank-police"]


async def test_what_no_calendar_reaches_is_taken_counted_and_tried_again_when_a_process_starts(
    gateway: Gateway,
) -> None:
    name = await notifiable(gateway, london("2028-12-27"))
    async with gateway.database.reading() as connection:
        assert await queries.uncomputed(connection) == 3
        assert await queries.next_due(connection) is None
    await gateway.tick(london("2028-12-29", "12:00"))
    await gateway.ticking().begin()
    assert await gateway.tick(london("2028-12-29", "12:01")) == 0
    assert (await gateway.rows("select count(*) from clock where state = 'uncomputed' and next_instant < now()")) == [
        (0,)
    ]
    assert names(await gateway.facts(name)) == ["deadline.set", "deadline.recomputed"]


async def test_the_views_folded_anew_from_the_log_are_the_same(gateway: Gateway) -> None:
    one, two = await notifiable(gateway, london("2026-03-10")), await notifiable(gateway, london("2026-03-12"))
    await gateway.refer(london("2026-03-12"))
    await gateway.tick(london("2026-03-13", "09:00"))
    await gateway.propose(one, told("northbank-icb", london("2026-03-13")), london("2026-03-13"))
    await gateway.tick(london("2026-03-20", "09:00"))
    await gateway.hear(one, submission(london("2026-03-20")), london("2026-03-20"))
    await gateway.hear(one, explanation(), london("2026-03-20", "11:00"), version=2)
    await gateway.propose(two, not_notifiable(london("2026-03-12")), london("2026-03-20", "12:00"))
    questions = [
        "select to_jsonb(t) - 'held' from incident t order by id",
        "select to_jsonb(t) - 'held' from clock t order by incident, key",
    ]
    before = [await gateway.rows(question) for question in questions]
    rebuilt = await rebuild(gateway.database, gateway.place.log, VIEWS, views.apply)
    assert rebuilt.facts > 20
    assert [await gateway.rows(question) for question in questions] == before


async def test_what_waits_is_told_to_those_whose_it_is_the_most_urgent_first(gateway: Gateway) -> None:
    await gateway.refer(london("2026-03-10"))
    late = await notifiable(gateway, london("2026-03-02"))
    await gateway.hear(late, submission(london("2026-03-12")), london("2026-03-12"))

    async def kinds(*roles: Role, areas: str = HOST) -> list[str]:
        async with gateway.database.reading() as connection:
            tasks = await queries.waiting_for(connection, areas=[areas], partnerships=["northbank"], roles=roles)
        return [task.kind for task in tasks]

    assert await kinds(Role.APPROVER) == [
        "explain_delay",
        "tell_recipient",
        "tell_recipient",
        "decide_notifiability",
    ]
    assert await kinds(Role.BUSINESS_UNIT) == ["tell_recipient", "tell_recipient"]
    assert await kinds(Role.SCRUTINEER) == []
    assert await kinds(Role.APPROVER, areas="E06000009") == []


async def test_a_look_at_what_is_due_does_not_read_what_is_not(gateway: Gateway) -> None:
    name = await gateway.refer(london("2026-03-10"))
    await gateway.rows(
        "insert into clock select incident, 'T02:x' || n, partnership, rule, edition, recipient, state, provisional,"
        " running, day0, due, late_from, met_at, working_days_late, awaiting_reason, reckoned,"
        " next_instant + interval '1 year', held from clock, generate_series(1, 20000) n"
        " where incident = $1 and key = 'T01'",
        name,
    )
    plan = await gateway.rows(
        "explain (analyze, buffers, format json) select incident from (select incident, next_instant from clock"
        " where next_instant <= $1 order by next_instant limit 50) due group by incident"
        " order by min(next_instant), incident",
        datetime(2026, 3, 10, 12, tzinfo=UTC),
    )
    (top,) = plan[0][0]
    assert top["Plan"]["Shared Hit Blocks"] + top["Plan"]["Shared Read Blocks"] < 20
