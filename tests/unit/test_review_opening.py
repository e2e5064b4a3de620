"""A rapid review opens by itself and never otherwise, whatever order the facts of two topics come in (DOMAIN T06)."""

from datetime import date, datetime, timedelta
from itertools import combinations

import holidays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import Ground
from contracts.envelope import AnyEvent
from contracts.local_rules import RulesAdopted
from contracts.review_codes import Task
from contracts.reviews import PlannedTask, ReviewClosed
from contracts.sealing import Model
from services.rapid_review.review import Status
from shared.deadlines.reckoning import london_instant
from shared.working_days import Calendar, england_and_wales
from tests.unit.review_stories import (
    GATEWAY,
    NOTIFICATIONS,
    Story,
    amendment,
    aware,
    begun,
    knew,
    linked,
    london,
    met,
    reckoning,
    referral,
    reply,
    said,
    sent,
    submission,
    withdrawal,
)

SENT = london("2026-03-10")
CALENDAR = england_and_wales()
AWARENESS = RulesAdopted(rapid_review="T06b")
ENGLAND = np.array(
    sorted(holidays.country_holidays("GB", subdiv="ENG", years=range(2018, 2029))), dtype="datetime64[D]"
)


def test_a_submission_on_a_section_16c_ground_opens_the_review_and_starts_its_clock() -> None:
    story = Story()
    assert said(story.hear(submission(SENT), SENT)) == ["review.opened", "deadline.set T06a"]
    assert story.review.status is Status.OPEN
    assert reckoning(story.facts, "T06a").due == date(2026, 3, 31)
    assert all(fact.data.recipient is None for fact in story.facts if fact.name == "deadline.set")


@pytest.mark.parametrize("ground", [Ground.LAC_DEATH, Ground.CARE_LEAVER_DEATH])
def test_no_other_ground_opens_one(ground: Ground) -> None:
    story = Story()
    assert story.hear(submission(SENT, ground), SENT) == []
    assert story.review.status is None


def test_an_amendment_that_adds_a_section_16c_ground_opens_it_from_its_own_portal_time() -> None:
    story, later = Story(), london("2026-04-01")
    story.hear(submission(SENT, Ground.LAC_DEATH), SENT)
    assert story.hear(amendment(london("2026-03-20")), london("2026-03-20")) == []
    assert said(story.hear(amendment(later, Ground.S16C_A), later)) == ["review.opened", "deadline.set T06a"]
    assert reckoning(story.facts, "T06a").day0 == date(2026, 4, 1)
    # What the notification's corrected fact carries are the newest version's grounds: it moves nothing.
    assert story.hear(submission(SENT - timedelta(days=1), Ground.S16C_A, Ground.LAC_DEATH), later) == []


def test_a_further_section_16c_ground_leaves_a_review_as_it_was_opened() -> None:
    story = begun(SENT)
    assert story.hear(amendment(london("2026-03-16"), Ground.S16C_B), london("2026-03-16")) == []
    assert story.review.clocks["T06a"].started_at == SENT


@pytest.mark.parametrize(
    ("sent_on", "due"),
    [
        ("2026-03-10", "2026-03-31"),  # R01
        ("2025-12-17", "2026-01-12"),  # R02: over Christmas
        ("2023-04-24", "2023-05-17"),  # R03: over the coronation
        ("2026-03-17", "2026-04-09"),  # the reading gap: over Easter
        ("2020-04-24", "2020-05-18"),  # Mon 4 May 2020 counts, Fri 8 May does not
    ],
)
def test_the_clock_is_due_on_the_worked_day(sent_on: str, due: str) -> None:
    story = begun(london(sent_on, "23:50"))
    assert reckoning(story.facts, "T06a").due == date.fromisoformat(due)


@given(sent_on=st.dates(date(2019, 1, 1), date(2028, 11, 30)), at=st.sampled_from(["00:00", "00:10", "12:00", "23:59"]))
def test_clock_and_plan_agree_with_two_other_libraries(sent_on: date, at: str) -> None:
    story = begun(london(sent_on.isoformat(), at))
    wanted = {
        day: np.busday_offset([sent_on], [day], roll="backward", holidays=ENGLAND).astype(object)[0]
        for day in range(1, 16)
    }
    assert reckoning(story.facts, "T06a").due == wanted[15]
    assert [(each.day, each.due) for each in story.review.plan] == [(day, wanted[day]) for day in (1, 10, 12, 14, 15)]


def test_the_plan_has_the_worked_days() -> None:
    days = tuple(PlannedTask(task=Task.OTHER, day=day, title=f"Day {day}") for day in (1, 5, 10, 12, 14, 15))
    story = begun(SENT, local=RulesAdopted(plan=days))
    assert [each.due for each in story.review.plan] == [
        date(2026, 3, 11),
        date(2026, 3, 17),
        date(2026, 3, 24),
        date(2026, 3, 26),
        date(2026, 3, 30),
        date(2026, 3, 31),
    ]


def test_two_partnerships_with_different_readings_run_side_by_side() -> None:
    known, filed = london("2026-03-10"), london("2026-03-17")
    one, other = begun(filed, known=known), begun(filed, known=known, local=AWARENESS)
    assert (one.review.rule, reckoning(one.facts, "T06a").due) == ("T06a", date(2026, 4, 9))
    assert (other.review.rule, reckoning(other.facts, "T06b").due) == ("T06b", date(2026, 3, 31))


def test_what_a_partnership_adopts_afterwards_leaves_a_review_as_it_began() -> None:
    story = begun(london("2026-03-17"), known=SENT)
    story.local = AWARENESS
    assert said(story.hear(linked(story.subject), SENT)) == ["review.cancelled", "deadline.cancelled T06a"]
    assert said(story.hear(linked(story.subject, undone=True), SENT)) == ["review.opened", "deadline.set T06a"]


def test_by_awareness_it_opens_once_awareness_is_known() -> None:
    story = Story(local=AWARENESS)
    assert story.hear(submission(london("2026-03-17")), london("2026-03-17")) == []
    story.hear(referral(), SENT)
    assert said(story.hear(aware(SENT), SENT)) == ["review.opened", "deadline.set T06b"]


def test_by_awareness_it_counts_from_awareness_once_a_calendar_reaches_its_dates() -> None:
    whole = england_and_wales()
    short = Calendar("short", whole.first, date(2026, 3, 12), whole.days_off)
    story = begun(SENT, known=london("2026-03-03"), calendar=short, local=RulesAdopted(rapid_review="T06b"))
    assert story.review.clock is not None
    assert story.review.clock.due is None
    story.calendar = whole
    story.tick(london("2026-03-11"))
    assert story.review.clock is not None
    assert story.review.clock.due == date(2026, 3, 24)
    assert story.review.planned(Task.SUBMIT) == date(2026, 3, 24)


def test_a_corrected_awareness_moves_the_clock_of_its_reading_and_the_plan_and_no_other() -> None:
    filed, earlier = london("2026-03-17"), london("2026-03-09")
    one, other = begun(filed, known=SENT), begun(filed, known=SENT, local=AWARENESS)
    for story in (one, other):
        story.hear(knew(earlier), filed)
    assert one.hear(aware(earlier), filed) == []
    assert said(other.hear(aware(earlier), filed)) == ["deadline.recomputed T06b", "review.planned"]
    assert reckoning(other.facts, "T06b").due == date(2026, 3, 30)
    assert other.review.planned(Task.SUBMIT) == date(2026, 3, 30)


def test_a_corrected_portal_time_moves_the_clock_and_judges_a_met_one_again() -> None:
    story = begun(SENT)
    assert said(story.hear(submission(london("2026-03-11")), SENT)) == ["deadline.recomputed T06a", "review.planned"]
    story.propose(sent(london("2026-04-01", "23:00")), london("2026-04-01", "23:30"))
    assert story.review.clocks["T06a"].state.value == "met_in_time"
    facts = story.hear(submission(SENT), london("2026-04-02"))
    assert said(facts)[:2] == ["deadline.recomputed T06a", "deadline.met T06a"]
    assert (facts[1].data.in_time, facts[1].data.working_days_late) == (False, 1)


@pytest.mark.parametrize("because", ["withdrawn", "linked"])
def test_a_withdrawal_or_a_link_as_twin_cancels_it_and_its_clocks(because: str) -> None:
    story = begun(SENT)
    data = withdrawal(SENT) if because == "withdrawn" else linked(story.subject)
    facts = story.hear(data, SENT)
    assert said(facts) == ["review.cancelled", "deadline.cancelled T06a"]
    assert facts[0].data.because == because
    assert story.review.status is Status.CANCELLED
    assert story.next_instant(SENT) is None


def test_the_lead_of_a_link_goes_on() -> None:
    story = begun(SENT)
    assert story.hear(linked("incident-" + "f" * 32), SENT) == []


def test_undoing_the_link_opens_it_again_with_all_that_it_had() -> None:
    story = met(SENT)
    at = london("2026-03-20")
    story.propose(sent(at), at)
    story.hear(linked(story.subject), at)
    assert said(story.hear(linked(story.subject, undone=True), at)) == ["review.opened", "deadline.set T08"]
    assert story.review.status is Status.SUBMITTED
    assert said(story.propose(reply(at), at)) == ["panel.answered", "deadline.met T08"]


def test_one_that_was_closed_because_it_was_cancelled_opens_again_too_and_one_that_ended_otherwise_does_not() -> None:
    story = begun(SENT)
    story.hear(linked(story.subject), SENT)
    story.propose(ReviewClosed(why="cancelled"), SENT)
    story.hear(linked(story.subject, undone=True), SENT)
    assert story.review.status is Status.OPEN
    ended, at = begun(SENT), london("2026-03-20")
    ended.propose(sent(at), at)
    ended.propose(reply(at), at)
    ended.propose(ReviewClosed(why="panel_agreed"), at)
    assert ended.hear(linked(ended.subject), at) == []
    assert ended.hear(linked(ended.subject, undone=True), at) == []


def test_what_reached_the_panel_while_it_was_cancelled_meets_the_clock_once_it_is_open_again() -> None:
    story = begun(SENT)
    story.hear(linked(story.subject), SENT)
    assert said(story.propose(sent(london("2026-03-20")), london("2026-03-20"))) == ["review.submitted"]
    facts = story.hear(linked(story.subject, undone=True), london("2026-03-23"))
    assert said(facts) == ["review.opened", "deadline.set T06a", "deadline.met T06a", "deadline.set T08"]
    assert facts[2].data.in_time


def test_a_portal_time_corrected_while_it_was_cancelled_judges_a_met_clock_again_once_it_is_open() -> None:
    story, sent_on = begun(SENT), london("2026-04-01")
    story.propose(sent(sent_on), sent_on)
    story.hear(linked(story.subject), sent_on)
    assert story.hear(submission(london("2026-03-11")), sent_on) == []
    facts = story.hear(linked(story.subject, undone=True), sent_on)
    assert said(facts) == ["review.opened", "deadline.recomputed T06a", "deadline.met T06a", "deadline.set T08"]
    assert facts[2].data.in_time


def interleavings(one: list[AnyEvent], other: list[AnyEvent]) -> list[list[AnyEvent]]:
    """Every order that keeps each list's own."""
    places = range(len(one) + len(other))
    orders = []
    for taken in combinations(places, len(one)):
        ones, others = iter(one), iter(other)
        orders.append([next(ones) if place in taken else next(others) for place in places])
    return orders


def told(story: Story, datas: list[Model], source: str) -> list[AnyEvent]:
    return [story.fact(data, SENT, source) for data in datas]


@pytest.mark.parametrize("local", [RulesAdopted(), AWARENESS], ids=["T06a", "T06b"])
@pytest.mark.parametrize("ends", ["stands", "linked", "undone", "withdrawn"])
def test_every_interleaving_of_the_two_topics_ends_alike(local: RulesAdopted, ends: str) -> None:
    first, corrected = london("2026-03-17"), london("2026-03-18")
    outcomes = set()
    subject = Story().subject
    incident: list[Model] = [referral(), aware(SENT), knew(london("2026-03-12")), aware(london("2026-03-12"))]
    incident += [linked(subject)] * (ends in ("linked", "undone")) + [linked(subject, undone=True)] * (ends == "undone")
    filing: list[Model] = [submission(first), submission(corrected)] + [withdrawal(SENT)] * (ends == "withdrawn")
    teller = Story(subject=subject)
    for order in interleavings(told(teller, incident, GATEWAY), told(teller, filing, NOTIFICATIONS)):
        story = Story(local=local, subject=subject)
        for fact in order:
            story.hear_fact(fact, first)
            assert story.hear_fact(fact, first) == []  # read again, it has no effect
        running = story.review.clock.due if story.review.under_way and story.review.clock else None
        outcomes.add((story.review.under_way, running))
        assert story.refold() == story.review
    due = {"T06a": date(2026, 4, 10), "T06b": date(2026, 4, 2)}[local.rapid_review]
    assert outcomes == ({(True, due)} if ends in ("stands", "undone") else {(False, None)})


def test_a_calendar_day_that_is_proclaimed_moves_the_clock_and_the_plan_at_the_next_tick() -> None:
    story = begun(SENT)
    story.calendar = CALENDAR.with_day(date(2026, 3, 20), "Proclaimed", "england-and-wales/proclaimed")
    assert said(story.tick(london("2026-03-12"))) == ["deadline.recomputed T06a", "review.planned"]
    assert story.review.planned(Task.SUBMIT) == date(2026, 4, 1)
    assert story.tick(london("2026-03-12")) == []


def test_the_clock_warns_on_the_two_days_before_its_last_and_is_missed_at_midnight() -> None:
    story, now, told_of = begun(SENT), SENT, []
    for _ in range(4):
        at = story.next_instant(now)
        assert at is not None
        now = at
        told_of += [(said([fact])[0], fact.time) for fact in story.tick(now)]
    assert told_of == [
        ("deadline.due-soon T06a", london("2026-03-27", "09:00")),
        ("deadline.due-soon T06a", london("2026-03-30", "09:00")),
        ("deadline.missed T06a", london_instant(date(2026, 4, 1))),
        ("deadline.missed T06a", london("2026-04-01", "09:00")),
    ]


def test_beyond_the_calendar_it_opens_all_the_same_uncomputed() -> None:
    story = begun(datetime.fromisoformat("2028-12-20T10:00+00:00"))
    assert story.facts[-1].data.uncomputed
    assert story.review.planned(Task.SUBMIT) is None
