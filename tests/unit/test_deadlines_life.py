"""The life of a clock: provisional, firm, warned of, missed, met, judged again, suspended, recomputed (DOMAIN 4A)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.deadlines import (
    Deadline,
    DeadlineState,
    NoticeKind,
    RuleVersion,
    cancel,
    correct,
    make_firm,
    meet,
    pause,
    recompute,
    resume,
    start,
    tick,
)
from shared.working_days import Calendar, england_and_wales

CALENDAR = england_and_wales()
AWARE = datetime(2026, 8, 27, 23, 10, tzinfo=UTC)  # Fri 28 Aug 00:10 BST: due Mon 7 Sep
LATE_FROM = datetime(2026, 9, 7, 23, tzinfo=UTC)
WARNING_3 = datetime(2026, 9, 3, 8, tzinfo=UTC)
WARNING_4 = datetime(2026, 9, 4, 8, tzinfo=UTC)
FIRST_CHASER = datetime(2026, 9, 8, 8, tzinfo=UTC)
NIGHT = timedelta(hours=12)


def a_deadline(at: datetime = AWARE, calendar: Calendar = CALENDAR, *, provisional: bool = False) -> Deadline:
    return start(
        key="T01",
        rule=RuleVersion("T01", "wt-2023"),
        at=at,
        working_days=5,
        calendar=calendar,
        provisional=provisional,
    )


def ticked(deadline: Deadline, now: datetime) -> Deadline:
    notices = tick(deadline, now, CALENDAR)
    return notices[-1].deadline if notices else deadline


def test_a_clock_starts_with_its_reckoning_and_its_first_warning_ahead() -> None:
    deadline = a_deadline()
    assert (deadline.state, deadline.due) == (DeadlineState.OPEN, date(2026, 9, 7))
    assert deadline.next_instant == WARNING_3
    assert a_deadline(provisional=True).state is DeadlineState.PROVISIONAL


def test_ticked_at_each_of_its_instants_it_warns_twice_is_missed_once_and_then_chased() -> None:
    deadline, told = a_deadline(), []
    for _ in range(5):
        assert deadline.next_instant is not None
        [notice] = tick(deadline, deadline.next_instant, CALENDAR)
        told.append((notice.kind, notice.at, notice.working_day, notice.working_days_left, notice.working_days_late))
        deadline = notice.deadline
    assert told == [
        (NoticeKind.DUE_SOON, WARNING_3, 3, 2, None),
        (NoticeKind.DUE_SOON, WARNING_4, 4, 1, None),
        (NoticeKind.MISSED, LATE_FROM, None, 0, 1),
        (NoticeKind.STILL_MISSED, FIRST_CHASER, None, 0, 1),
        (NoticeKind.STILL_MISSED, FIRST_CHASER + timedelta(days=1), None, 0, 2),
    ]
    assert deadline.state is DeadlineState.MISSED
    assert not deadline.closed


def test_before_its_next_instant_a_tick_tells_nothing() -> None:
    assert tick(a_deadline(), WARNING_3 - timedelta(microseconds=1), CALENDAR) == []
    warned = ticked(a_deadline(), WARNING_3)
    assert tick(warned, WARNING_3, CALENDAR) == []


def test_a_provisional_clock_is_missed_like_a_firm_one_and_says_that_it_is_provisional() -> None:
    missed = ticked(a_deadline(provisional=True), LATE_FROM)
    assert (missed.state, missed.provisional) == (DeadlineState.MISSED, True)


def test_after_an_outage_one_notice_tells_how_it_stands() -> None:
    [notice] = tick(a_deadline(), datetime(2026, 9, 10, 10, tzinfo=UTC), CALENDAR)
    assert (notice.kind, notice.at, notice.working_days_late) == (NoticeKind.MISSED, LATE_FROM, 3)
    assert notice.deadline.next_instant == datetime(2026, 9, 11, 8, tzinfo=UTC)
    [warning] = tick(a_deadline(), datetime(2026, 9, 7, 10, tzinfo=UTC), CALENDAR)
    assert (warning.kind, warning.working_day, warning.working_days_left) == (NoticeKind.DUE_SOON, 4, 0)


def test_while_an_answer_is_outstanding_no_miss_is_told_before_nine() -> None:
    deadline = ticked(a_deadline(), WARNING_4)
    assert tick(deadline, FIRST_CHASER - timedelta(seconds=1), CALENDAR, awaiting_answer=True) == []
    [notice] = tick(deadline, FIRST_CHASER, CALENDAR, awaiting_answer=True)
    assert (notice.kind, notice.answer_outstanding) == (NoticeKind.MISSED, True)
    [chaser] = tick(notice.deadline, FIRST_CHASER + timedelta(days=1), CALENDAR, awaiting_answer=True)
    assert (chaser.kind, chaser.answer_outstanding) == (NoticeKind.STILL_MISSED, False)


def test_met_before_midnight_is_in_time_and_met_at_midnight_is_late() -> None:
    in_time = meet(a_deadline(), LATE_FROM - timedelta(microseconds=1), CALENDAR)
    assert (in_time.state, in_time.working_days_late) == (DeadlineState.MET_IN_TIME, None)
    late = meet(a_deadline(), LATE_FROM, CALENDAR)
    assert (late.state, late.working_days_late) == (DeadlineState.MET_LATE, 1)
    assert (in_time.next_instant, late.next_instant) == (None, None)


def test_due_on_friday_and_met_on_saturday_is_late_by_no_working_day() -> None:
    friday = a_deadline(datetime(2026, 3, 13, 12, tzinfo=UTC))
    met = meet(friday, datetime(2026, 3, 21, 12, tzinfo=UTC), CALENDAR)
    assert (met.state, met.working_days_late) == (DeadlineState.MET_LATE, 0)


def test_a_portal_time_before_midnight_that_is_recorded_after_it_corrects_the_miss() -> None:
    missed = ticked(a_deadline(), LATE_FROM)
    assert meet(missed, LATE_FROM - timedelta(hours=1), CALENDAR).state is DeadlineState.MET_IN_TIME


def test_correcting_the_portal_time_judges_a_met_clock_again() -> None:
    late = meet(a_deadline(), LATE_FROM + timedelta(days=2), CALENDAR)
    again = meet(late, LATE_FROM - timedelta(hours=1), CALENDAR)
    assert (again.state, again.working_days_late) == (DeadlineState.MET_IN_TIME, None)


def test_correcting_awareness_judges_a_met_clock_again() -> None:
    in_time = meet(a_deadline(), LATE_FROM - timedelta(hours=1), CALENDAR)
    earlier = correct(in_time, AWARE - timedelta(days=1), CALENDAR)
    assert (earlier.due, earlier.state, earlier.working_days_late) == (date(2026, 9, 4), DeadlineState.MET_LATE, 1)


def test_correcting_awareness_moves_a_missed_clock_and_the_next_tick_tells_how_it_stands() -> None:
    missed = ticked(a_deadline(), LATE_FROM)
    later = correct(missed, AWARE + timedelta(days=4), CALENDAR)
    assert (later.due, later.state) == (date(2026, 9, 8), DeadlineState.OPEN)
    assert tick(later, LATE_FROM + NIGHT, CALENDAR) == []
    assert ticked(later, LATE_FROM + timedelta(days=1)).state is DeadlineState.MISSED
    earlier = correct(missed, AWARE - timedelta(days=1), CALENDAR)
    assert tick(earlier, LATE_FROM, CALENDAR)[0].kind is NoticeKind.MISSED


def test_correcting_within_the_same_day_leaves_a_miss_as_it_is() -> None:
    missed = ticked(a_deadline(), LATE_FROM)
    assert correct(missed, AWARE + timedelta(hours=8), CALENDAR).state is DeadlineState.MISSED


def test_triage_makes_a_provisional_clock_firm_from_awareness_and_never_from_the_decision() -> None:
    referred = a_deadline(AWARE + timedelta(days=4), provisional=True)
    firm = make_firm(referred, AWARE, CALENDAR)
    assert (firm.state, firm.provisional, firm.due) == (DeadlineState.OPEN, False, date(2026, 9, 7))
    missed = ticked(a_deadline(provisional=True), LATE_FROM)
    firm_and_missed = make_firm(missed, AWARE, CALENDAR)
    assert (firm_and_missed.state, firm_and_missed.provisional) == (DeadlineState.MISSED, False)


def test_a_proclaimed_day_moves_an_open_clock_and_leaves_closed_and_untouched_ones_alone() -> None:
    proclaimed = CALENDAR.with_day(date(2026, 9, 2), "Proclaimed", "next")
    moved = recompute(a_deadline(), proclaimed)
    assert moved is not None
    assert moved.due == date(2026, 9, 8)
    assert moved.reckoning is not None
    assert moved.reckoning.calendar == "next"
    assert recompute(meet(a_deadline(), AWARE, CALENDAR), proclaimed) is None
    assert recompute(cancel(a_deadline(), "linked"), proclaimed) is None
    assert recompute(a_deadline(AWARE + timedelta(days=30)), proclaimed) is None
    assert recompute(moved, proclaimed) is None


def test_a_day_proclaimed_after_the_miss_takes_the_miss_back_until_the_new_due_day_has_passed() -> None:
    missed = ticked(a_deadline(), LATE_FROM)
    moved = recompute(missed, CALENDAR.with_day(date(2026, 9, 7), "Proclaimed", "next"))
    assert moved is not None
    assert (moved.state, moved.due) == (DeadlineState.OPEN, date(2026, 9, 8))
    assert moved.next_instant == LATE_FROM + timedelta(days=1)


def test_outside_the_calendar_a_clock_is_taken_uncomputed_and_judged_when_the_calendar_reaches() -> None:
    at = datetime(2028, 12, 28, 12, tzinfo=UTC)
    uncomputed = a_deadline(at)
    assert (uncomputed.state, uncomputed.reckoning, uncomputed.next_instant) == (DeadlineState.UNCOMPUTED, None, None)
    assert tick(uncomputed, at + timedelta(days=90), CALENDAR) == []
    assert recompute(uncomputed, CALENDAR) is None
    longer = Calendar("longer", CALENDAR.first, date(2029, 12, 31), {**CALENDAR.days_off, date(2029, 1, 1): "New Year"})
    computed = recompute(uncomputed, longer)
    assert computed is not None
    assert (computed.state, computed.due) == (DeadlineState.OPEN, date(2029, 1, 5))
    met = meet(uncomputed, datetime(2029, 1, 6, tzinfo=UTC), CALENDAR)
    assert met.state is DeadlineState.UNCOMPUTED
    judged = recompute(met, longer)
    assert judged is not None
    assert judged.state is DeadlineState.MET_LATE


def test_met_so_late_that_the_calendar_does_not_reach_is_late_by_an_unknown_number() -> None:
    met = meet(a_deadline(), datetime(2031, 1, 1, tzinfo=UTC), CALENDAR)
    assert (met.state, met.working_days_late) == (DeadlineState.MET_LATE, None)


def test_a_missed_clock_is_chased_on_where_the_calendar_ends() -> None:
    deadline = ticked(a_deadline(), datetime(2029, 3, 1, 10, tzinfo=UTC))
    assert deadline.state is DeadlineState.MISSED
    assert deadline.next_instant == datetime(2029, 3, 2, 9, tzinfo=UTC)


def test_a_cancelled_clock_stays_silent_and_what_comes_later_does_not_wake_it() -> None:
    cancelled = cancel(a_deadline(), "not_notifiable")
    assert (cancelled.state, cancelled.cancelled_because) == (DeadlineState.CANCELLED, "not_notifiable")
    assert tick(cancelled, LATE_FROM, CALENDAR) == []
    assert meet(cancelled, AWARE, CALENDAR) == cancelled
    assert correct(cancelled, AWARE, CALENDAR) == cancelled
    assert make_firm(cancelled, AWARE, CALENDAR) == cancelled
    met = meet(a_deadline(), AWARE, CALENDAR)
    assert cancel(met, "linked") == met


def test_the_working_days_from_suspension_to_the_day_before_resumption_do_not_count() -> None:
    suspended = pause(a_deadline(), datetime(2026, 9, 2, 15, tzinfo=UTC), CALENDAR)
    assert suspended.next_instant is None
    assert tick(suspended, LATE_FROM, CALENDAR) == []
    resumed = resume(suspended, datetime(2026, 9, 7, 9, tzinfo=UTC), CALENDAR)
    assert resumed.due == date(2026, 9, 10)
    assert resumed.next_instant == datetime(2026, 9, 8, 8, tzinfo=UTC)
    assert resume(resumed, LATE_FROM, CALENDAR) == resumed
    assert recompute(resumed, CALENDAR) is None


def test_suspended_and_resumed_on_one_day_changes_nothing() -> None:
    at = datetime(2026, 9, 2, 9, tzinfo=UTC)
    assert resume(pause(a_deadline(), at, CALENDAR), at + timedelta(hours=3), CALENDAR) == a_deadline()


def test_what_is_done_while_suspended_is_not_late_for_the_days_of_suspension() -> None:
    suspended = pause(a_deadline(), datetime(2026, 9, 2, 15, tzinfo=UTC), CALENDAR)
    assert meet(suspended, LATE_FROM + timedelta(days=30), CALENDAR).state is DeadlineState.MET_IN_TIME
    missed = pause(ticked(a_deadline(), LATE_FROM), LATE_FROM + timedelta(days=1), CALENDAR)
    assert meet(missed, LATE_FROM + timedelta(days=2), CALENDAR).state is DeadlineState.MET_LATE


STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2028, 9, 1), timezones=st.just(UTC))  # noqa: DTZ001
STEPS = st.lists(st.integers(min_value=1, max_value=60 * 24 * 9), min_size=1, max_size=30)


@given(at=STARTS, minutes=STEPS)
def test_however_the_ticks_fall_a_clock_is_missed_once_and_never_told_the_same_twice(
    at: datetime, minutes: list[int]
) -> None:
    deadline, now = a_deadline(at), at
    assert deadline.reckoning is not None
    late_from = deadline.reckoning.late_from
    told = []
    for step in minutes:
        now += timedelta(minutes=step)
        notices = tick(deadline, now, CALENDAR)
        assert len(notices) <= 1
        for notice in notices:
            assert notice.at <= now
            told.append(notice)
            deadline = notice.deadline
        assert deadline.next_instant is not None
        assert deadline.next_instant > now
        assert tick(deadline, now, CALENDAR) == []
    assert len({(notice.kind, notice.at) for notice in told}) == len(told)
    missed = [notice.kind for notice in told].count(NoticeKind.MISSED)
    assert missed == (now >= late_from)
    assert (deadline.state is DeadlineState.MISSED) == (missed == 1)


@given(at=STARTS, met=STARTS, ticks=STEPS)
def test_the_verdict_depends_on_when_it_was_met_and_not_on_the_ticks_before(
    at: datetime, met: datetime, ticks: list[int]
) -> None:
    deadline, now = a_deadline(at), at
    for step in ticks:
        now += timedelta(minutes=step)
        deadline = ticked(deadline, now)
    verdict, unticked = meet(deadline, met, CALENDAR), meet(a_deadline(at), met, CALENDAR)
    assert (verdict.state, verdict.working_days_late) == (unticked.state, unticked.working_days_late)
    assert unticked.reckoning is not None
    late = met >= unticked.reckoning.late_from
    assert verdict.state is (DeadlineState.MET_LATE if late else DeadlineState.MET_IN_TIME)


@pytest.mark.parametrize("hours", [0, 23])
def test_over_the_change_of_clocks_the_due_day_ends_at_london_midnight(hours: int) -> None:
    deadline = a_deadline(datetime(2026, 10, 23, hours % 22, tzinfo=UTC))
    assert deadline.reckoning is not None
    assert deadline.reckoning.late_from == datetime(2026, 10, 31, tzinfo=UTC)
