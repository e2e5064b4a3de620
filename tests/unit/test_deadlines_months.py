"""Clocks that are counted in calendar months: T09's six (DOMAIN 1.5)."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.deadlines import (
    Deadline,
    DeadlineState,
    NoticeKind,
    RuleVersion,
    meet,
    pause,
    reckon_months,
    reckoned,
    reckoning_of,
    recompute,
    resume,
    start,
    tick,
)
from shared.deadlines.reckoning import london_instant
from shared.working_days import OutsideCalendar, england_and_wales

CALENDAR = england_and_wales()
DECIDED = datetime(2026, 8, 31, 9, tzinfo=UTC)  # due on Sunday 28 February 2027


def a_clock(at: datetime = DECIDED) -> Deadline:
    return start(key="T09", rule=RuleVersion("T09", "wt-2018"), at=at, working_days=0, months=6, calendar=CALENDAR)


@pytest.mark.parametrize(
    ("decided", "due"),
    [("2026-08-31", "2027-02-28"), ("2025-11-30", "2026-05-30"), ("2026-03-31", "2026-09-30")],
)
def test_six_months_end_on_the_corresponding_date_or_at_the_end_of_its_month(decided: str, due: str) -> None:
    reckoning = reckon_months(london_instant(date.fromisoformat(decided)), 6, CALENDAR)
    assert reckoning.due == date.fromisoformat(due)
    assert reckoning.late_from == london_instant(date.fromisoformat(due) + timedelta(days=1))
    assert (reckoning.months, reckoning.working_days, reckoning.not_counted) == (6, 0, ())


@given(day0=st.dates(CALENDAR.first, date(2028, 6, 30)), months=st.integers(1, 6))
def test_months_agree_with_another_library(day0: date, months: int) -> None:
    due = reckon_months(london_instant(day0), months, CALENDAR).due
    month = np.datetime64(day0.isoformat()[:7]) + months
    last: date = ((month + 1).astype("datetime64[D]") - 1).astype(object)
    assert due == min(last, last.replace(day=min(day0.day, last.day)))


@given(day0=st.dates(date(2019, 1, 1), date(2028, 6, 30)))
def test_it_warns_once_on_the_last_working_day_of_the_period(day0: date) -> None:
    clock = a_clock(london_instant(day0))
    assert clock.due is not None
    off = np.array(sorted(CALENDAR.days_off), dtype="datetime64[D]")
    last = np.busday_offset([clock.due], [0], roll="backward", holidays=off).astype(object)[0]
    assert clock.next_instant == london_instant(last) + timedelta(hours=9)
    [notice] = tick(clock, clock.next_instant, CALENDAR)
    assert (notice.kind, notice.working_day, notice.working_days_left) == (NoticeKind.DUE_SOON, 0, 0)
    assert notice.deadline.next_instant == london_instant(clock.due + timedelta(days=1))


def test_a_due_day_on_a_sunday_is_not_rolled_on_and_the_friday_before_warns() -> None:
    clock = a_clock()
    assert clock.due == date(2027, 2, 28)
    assert clock.next_instant == datetime(2027, 2, 26, 9, tzinfo=UTC)
    assert meet(clock, datetime(2027, 2, 28, 23, 59, tzinfo=UTC), CALENDAR).state is DeadlineState.MET_IN_TIME
    late = meet(clock, datetime(2027, 3, 1, 0, tzinfo=UTC), CALENDAR)
    assert (late.state, late.working_days_late) == (DeadlineState.MET_LATE, 1)


def test_a_suspension_moves_nothing() -> None:
    paused = pause(a_clock(), datetime(2026, 10, 1, tzinfo=UTC), CALENDAR)
    assert resume(paused, datetime(2026, 12, 1, tzinfo=UTC), CALENDAR).due == date(2027, 2, 28)


def test_a_proclaimed_day_moves_the_warning_and_never_the_due_day() -> None:
    proclaimed = CALENDAR.with_day(date(2027, 2, 26), "Proclaimed", "england-and-wales/2")
    assert recompute(a_clock(), proclaimed) is None
    assert tick(a_clock(), datetime(2027, 2, 25, 9, tzinfo=UTC), proclaimed) == []  # until it is scheduled by it
    again = start(
        key="T09", rule=RuleVersion("T09", "wt-2018"), at=DECIDED, working_days=0, months=6, calendar=proclaimed
    )
    assert again.next_instant == datetime(2027, 2, 25, 9, tzinfo=UTC)


def test_where_no_calendar_reaches_the_clock_is_uncomputed_until_one_does() -> None:
    clock = a_clock(datetime(2028, 7, 1, tzinfo=UTC))
    assert clock.state is DeadlineState.UNCOMPUTED
    with pytest.raises(OutsideCalendar):
        reckon_months(datetime(9999, 12, 1, tzinfo=UTC), 6, CALENDAR)


def test_a_fact_carries_the_months_there_and_back() -> None:
    reckoning = a_clock().reckoning
    assert reckoning is not None
    told = reckoned(reckoning)
    assert told is not None
    assert reckoning_of(told) == reckoning
    assert reckoning.sentence("decided") == (
        "decided Mon 31 Aug 2026 10:00 BST; 6 calendar months; due end of Sun 28 Feb 2027"
    )
