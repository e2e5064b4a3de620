"""An agency that owes an answer is chased at 09:00 London, each level once (the partnership's own numbers)."""

from datetime import date, datetime, timedelta
from typing import Literal

import holidays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import AnyEvent
from contracts.local_rules import RulesAdopted
from contracts.reviews import ReturnQueried
from services.rapid_review.review.chasing import chase, next_chase
from shared.deadlines.reckoning import london_instant
from tests.unit.review_stories import SCHOOL, WORDS, Story, answer, begun, london, meeting, withdrawal

SENT, SOON = london("2026-03-10"), london("2026-03-11")
ENGLAND = np.array(
    sorted(holidays.country_holidays("GB", subdiv="ENG", years=range(2018, 2030))), dtype="datetime64[D]"
)


def chased(facts: list[AnyEvent]) -> list[tuple[str, datetime]]:
    return [(fact.data.level.value, fact.time) for fact in facts if fact.name == "information.chased"]


def asked(due: str = "2026-03-24", **local: int) -> tuple[Story, str]:
    story = begun(SENT, local=RulesAdopted(**local))
    return story, story.ask(SCHOOL, SOON, due=date.fromisoformat(due))


def run(story: Story, until: datetime) -> list[tuple[str, datetime]]:
    """What is told when the tick is never late."""
    told, now = [], SOON
    while (at := story.next_instant(now)) is not None and now < at <= until:
        now = at
        told += chased(story.tick(now))
    return told


def run_chases(story: Story) -> list[tuple[str, datetime]]:
    """As `run`, to the end of all chasing, and without the clocks of the review, which chase without end."""
    told, now = [], SOON
    while (at := next_chase(story.review, story.context(now))) is not None:
        assert at > now
        now = at
        cause = story.facts[-1]
        told += chased(story.record(cause, chase(story.review, story.context(now)), now, acting=False))
    return told


def test_a_reminder_comes_the_working_day_before_and_overdue_and_escalation_the_morning_after() -> None:
    story, _ = asked()
    after = london("2026-03-25", "09:00")
    assert run(story, london("2026-03-31")) == [
        ("reminder", london("2026-03-23", "09:00")),
        ("overdue", after),
        ("escalated", after),
    ]


def test_easter_is_left_out_and_the_clocks_going_forward_moves_no_hour() -> None:
    story, _ = asked("2026-04-02", remind_before=4, escalate_after=2)
    assert run(story, london("2026-04-10")) == [
        ("reminder", london("2026-03-27", "09:00")),
        ("overdue", london("2026-04-07", "09:00")),
        ("escalated", london("2026-04-08", "09:00")),
    ]


@given(due=st.dates(date(2026, 3, 12), date(2028, 12, 1)), before=st.integers(0, 10), after=st.integers(1, 10))
def test_the_mornings_agree_with_another_library(due: date, before: int, after: int) -> None:
    story, _ = asked(due.isoformat(), remind_before=before, escalate_after=after)

    def morning(offset: int) -> datetime:
        roll: Literal["backward", "forward"] = "forward" if offset < 0 else "backward"
        moved = due if offset == 0 else np.busday_offset([due], [offset], roll=roll, holidays=ENGLAND).astype(object)[0]
        return london_instant(moved) + timedelta(hours=9)

    wanted = [("reminder", morning(-before)), ("overdue", morning(1)), ("escalated", morning(after))]
    assert run_chases(story) == [(level, at) for level, at in wanted if at > SOON]


@pytest.mark.parametrize(
    ("back", "told"),
    [
        ("2026-03-24T12:00", ["reminder"]),
        ("2026-03-25T09:00", ["overdue"]),
        ("2026-03-27T12:00", ["overdue"]),
        ("2026-03-30T09:00", ["escalated"]),
        ("2026-06-01T09:00", ["escalated"]),
    ],
)
def test_after_an_outage_it_is_told_once_how_it_stands(back: str, told: list[str]) -> None:
    story, _ = asked(escalate_after=4)
    day, at = back.split("T")
    assert [level for level, _ in chased(story.tick(london(day, at)))] == told
    assert chased(story.tick(london(day, at))) == []


def test_after_an_outage_no_lower_level_follows_a_higher_one() -> None:
    story, _ = asked(escalate_after=4)
    assert chased(story.tick(london("2026-03-30", "09:00"))) == [("escalated", london("2026-03-30", "09:00"))]
    assert run_chases(story) == []


def test_whoever_has_answered_is_not_chased_and_one_that_is_queried_is_chased_anew() -> None:
    story, request = asked()
    story.propose(answer(SCHOOL, request), SOON)
    assert chased(story.tick(london("2026-03-25", "09:00"))) == []
    query = ReturnQueried(agency=SCHOOL, request=request, version=1, reason=WORDS, due=date(2026, 3, 27))
    story.propose(query, london("2026-03-25", "10:00"))
    assert run(story, london("2026-03-30", "09:00"))[0] == ("reminder", london("2026-03-26", "09:00"))


def test_one_that_was_chased_to_the_end_is_chased_anew_once_its_answer_is_queried() -> None:
    story, request = asked()
    assert len(run_chases(story)) == 3
    at = london("2026-03-26")
    story.propose(answer(SCHOOL, request), at)
    query = ReturnQueried(agency=SCHOOL, request=request, version=1, reason=WORDS, due=date(2026, 4, 1))
    story.propose(query, at)
    assert [level for level, _ in run_chases(story)] == ["reminder", "overdue", "escalated"]


def test_nobody_is_reminded_of_what_was_asked_after_the_reminders_hour() -> None:
    story = begun(SENT)
    story.ask(SCHOOL, SOON, due=date(2026, 3, 12))
    assert [level for level, _ in run(story, london("2026-03-13", "09:00"))] == ["overdue", "escalated"]


def test_a_cancelled_review_chases_nobody() -> None:
    story, _ = asked()
    story.hear(withdrawal(SOON), SOON)
    assert run_chases(story) == []
    assert story.tick(london("2026-03-25", "09:00")) == []


def test_the_meeting_does_not_end_what_an_agency_owes() -> None:
    story, request = asked()
    story.propose(meeting(london("2026-03-12")), london("2026-03-12"))
    assert [level for level, _ in run(story, london("2026-03-25", "09:00"))] == ["reminder", "overdue", "escalated"]
    assert story.review.overdue(london("2026-03-25")) == {request}
