"""Rapid reviews on a real PostgreSQL: open by themselves, tick once each, follow calendar and local rules, rebuild."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from contracts.calendars import CalendarDayAdded
from contracts.codes import Ground
from contracts.local_rules import RulesAdopted
from contracts.review_codes import Task
from contracts.reviews import PlannedTask
from infra.postgres.provision import ServiceDatabase
from services.rapid_review import agenda, tables
from shared.database import Database
from shared.rebuild import rebuild
from tests.integration.review_ground import ICB, SCHOOL, Reviews, SetClock, directory_text, review_database
from tests.stacks import Stack
from tests.unit.review_stories import answer, event, london, of_system, question, said, submission, withdrawal

BEGUN = london("2026-03-10")
"""Due on 31 March by T06a."""


@pytest.fixture
async def reviews(stack: Stack) -> AsyncIterator[Reviews]:
    service: ServiceDatabase = await review_database(stack)
    database = Database(service.runtime_url, pool_size=6)
    here = Reviews(database, SetClock(BEGUN))
    await here.know(directory_text())
    yield here
    await database.close()


async def test_a_review_opens_by_itself_and_its_row_and_its_letters_are_there(reviews: Reviews) -> None:
    subject = await reviews.begun(BEGUN)
    assert said(await reviews.facts(subject)) == ["review.opened", "deadline.set T06a"]
    rows = await reviews.rows("select status, rule, due, owing from review where incident = $1", subject)
    assert rows == [("open", "T06a", date(2026, 3, 31), 0)]
    letters = await reviews.rows("select recipient from letter where incident = $1 order by recipient", subject)
    assert letters == [("approver@northbank-council.example",), ("unit@northbank-council.example",)]


async def test_facts_of_two_topics_that_come_at_once_are_both_kept(reviews: Reviews) -> None:
    for _ in range(10):
        subject = await reviews.begun(BEGUN)
        await asyncio.gather(
            reviews.hear(subject, submission(BEGUN + timedelta(hours=2)), BEGUN),
            reviews.hear(subject, withdrawal(BEGUN), BEGUN),
            return_exceptions=False,
        )
        rows = await reviews.rows("select status from review where incident = $1", subject)
        assert rows == [("cancelled",)]


async def test_notices_come_at_their_instants_and_once_however_many_tick(reviews: Reviews) -> None:
    subjects = [await reviews.begun(BEGUN) for _ in range(12)]
    for subject in subjects:
        await reviews.propose(subject, question(ICB, due=date(2026, 3, 20)), BEGUN)
    first = london("2026-03-19", "09:00")
    assert await reviews.tick(first - timedelta(seconds=1)) == 0
    reviews.clock.time = first
    told = await asyncio.gather(*(reviews.ticking().tick() for _ in range(4)))
    assert sum(told) == len(subjects)
    assert await reviews.tick(first) == 0
    for subject in subjects:
        assert said(await reviews.facts(subject)).count("information.chased") == 1
    recipients = await reviews.rows("select distinct recipient from letter where subject like '%answer is due%'")
    assert recipients == [("lead@northbank-icb.example",)]


async def test_after_an_outage_one_notice_tells_how_it_stands(reviews: Reviews) -> None:
    subject = await reviews.begun(BEGUN)
    await reviews.propose(subject, question(ICB, due=date(2026, 3, 20)), BEGUN)
    await reviews.tick(london("2026-04-20", "12:00"))
    after = [fact for fact in await reviews.facts(subject) if fact.recordedtime == reviews.clock.time]
    assert sorted(set(said(after))) == ["deadline.missed T06a", "information.chased"]
    # Overdue and escalated fall on one morning by the default rules; the reminder that was missed is not told any more.
    assert [fact.data.level for fact in after if fact.name == "information.chased"] == ["overdue", "escalated"]
    senior = await reviews.rows("select recipient from letter where subject like '%still awaited%'")
    assert senior == [("senior@northbank-icb.example",)]


async def test_what_is_not_due_is_not_looked_at(reviews: Reviews) -> None:
    for _ in range(5):
        await reviews.begun(BEGUN)
    async with reviews.database.transaction() as tx:
        await tx.driver.execute(
            "insert into agenda select 'review-' || n, 'northbank', timestamptz '2030-01-01', true, a.calendar"
            " from generate_series(1, 20000) n, (select calendar from agenda limit 1) a"
        )
        plans = [
            str(await tx.driver.fetch(f"explain {asked}", *values))
            for asked, values in ((agenda.DUE, (BEGUN, 50)), (agenda.OTHER, ("another",)))
        ]
    assert ["agenda_due" in plans[0], "agenda_calendar" in plans[1]] == [True, True]
    assert not any("Seq Scan" in plan for plan in plans)


async def test_a_day_that_is_proclaimed_recomputes_the_clock_and_the_plan(reviews: Reviews) -> None:
    subject = await reviews.begun(BEGUN)
    day = CalendarDayAdded(
        day=date(2026, 3, 20), title="National day", source="https://example.org/day", edition="proclaimed-2026-03-20"
    )
    reviews.clock.time = london("2026-03-12")
    await reviews.react("safeguarding.calendar", event(day, reviews.clock.time, "calendar-england-and-wales"))
    assert await reviews.tick(reviews.clock.time) == 2
    assert said(await reviews.facts(subject))[-2:] == ["deadline.recomputed T06a", "review.planned"]
    rows = await reviews.rows("select due from review where incident = $1", subject)
    assert rows == [(date(2026, 4, 1),)]
    assert await reviews.tick(reviews.clock.time) == 0


async def test_two_partnerships_go_by_their_own_rules_side_by_side(reviews: Reviews) -> None:
    await reviews.know(directory_text("southshire", "E06000002", "southshire"))
    own = RulesAdopted(
        rapid_review="T06b", plan=(PlannedTask(task=Task.RETURNS_DUE, day=5),), remind_before=2, escalate_after=3
    )
    await reviews.listed("southshire", own, 99)
    here = await reviews.begun(BEGUN)
    there = await reviews.begun(BEGUN, partnership="southshire")
    rules = await reviews.rows("select incident, rule from review")
    assert dict(rules) == {here: "T06a", there: "T06b"}
    plans = {s: [t.task for t in (await reviews.facts(s))[0].data.plan] for s in (here, there)}
    assert plans[there] == [Task.RETURNS_DUE]
    assert len(plans[here]) == 5
    await reviews.listed("southshire", RulesAdopted(), 100)
    again = await reviews.rows("select rule from review where incident = $1", there)
    assert again == [("T06b",)]


async def test_a_rebuild_makes_the_same_rows_from_the_log(reviews: Reviews) -> None:
    for _ in range(3):
        subject = await reviews.begun(BEGUN)
        (asked,) = await reviews.propose(subject, question(SCHOOL), BEGUN)
        await reviews.propose(subject, answer(SCHOOL, asked.data.request), BEGUN, **of_system(SCHOOL))
    wanted = {view.name: sorted(map(str, await reviews.rows(f"select * from {view.name}"))) for view in tables.VIEWS}
    sent = await reviews.rows("select count(*) from letter")
    await rebuild(reviews.database, reviews.place.log, tables.VIEWS, reviews.projection.fold)
    for name, rows in wanted.items():
        assert sorted(map(str, await reviews.rows(f"select * from {name}"))) == rows, name
    assert await reviews.rows("select count(*) from letter") == sent


async def test_a_notification_without_a_section_16c_ground_opens_nothing(reviews: Reviews) -> None:
    subject = await reviews.begun(BEGUN)
    assert (await reviews.rows("select count(*) from review")) == [(1,)]
    del subject
    other = "incident-" + "c" * 32
    await reviews.hear(other, submission(BEGUN, Ground.LAC_DEATH), BEGUN)
    assert await reviews.facts(other) == []
