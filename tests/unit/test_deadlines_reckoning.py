"""The reckoning, held to the worked cases of DOMAIN section 2, which were written and checked by hand."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.deadlines import chasers_after, is_late, months_after, reckon, restored, warnings, working_days_late
from shared.deadlines.reckoning import Pause
from shared.london import NaiveInstant
from shared.working_days import OutsideCalendar, england_and_wales

CALENDAR = england_and_wales()
LONDON = ZoneInfo("Europe/London")
INSTANTS = st.datetimes(datetime(2012, 1, 3), datetime(2028, 11, 1), timezones=st.just(UTC))  # noqa: DTZ001

WORKED = [
    ("W01", "2026-03-10", 5, "2026-03-17"),
    ("W02", "2026-03-13", 5, "2026-03-20"),
    ("W03", "2026-03-14", 5, "2026-03-20"),
    ("W04", "2026-03-15", 5, "2026-03-20"),
    ("W05", "2025-12-22", 5, "2025-12-31"),
    ("W06", "2026-12-23", 5, "2027-01-04"),
    ("W07", "2021-12-24", 5, "2022-01-05"),
    ("W08", "2027-12-24", 5, "2028-01-05"),
    ("W09", "2026-04-01", 5, "2026-04-10"),
    ("W10", "2026-04-03", 5, "2026-04-13"),
    ("W11", "2020-05-05", 5, "2020-05-13"),
    ("W12", "2020-05-01", 5, "2020-05-11"),
    ("W13", "2022-05-30", 5, "2022-06-08"),
    ("W14", "2022-09-14", 5, "2022-09-22"),
    ("W15", "2023-05-03", 5, "2023-05-11"),
    ("W16", "2023-04-28", 5, "2023-05-09"),
    ("W17", "2026-08-31", 5, "2026-09-07"),
    ("W18", "2026-06-12", 5, "2026-06-19"),
    ("R01", "2026-03-10", 15, "2026-03-31"),
    ("R02", "2025-12-17", 15, "2026-01-12"),
    ("R03", "2023-04-24", 15, "2023-05-17"),
    ("P01", "2026-04-14", -7, "2026-04-01"),
    ("P02", "2026-01-08", -7, "2025-12-29"),
    ("C02", "2026-11-23", 10, "2026-12-07"),
    ("C03", "2026-11-23", 20, "2026-12-21"),
    ("C04", "2026-11-23", 25, "2026-12-30"),
    ("C05", "2026-11-23", 30, "2027-01-07"),
    ("C06", "2026-11-23", 65, "2027-02-25"),
    ("T06b", "2026-03-10", 15, "2026-03-31"),
    ("T06a", "2026-03-17", 15, "2026-04-09"),
    ("plan day 1", "2026-03-10", 1, "2026-03-11"),
    ("plan day 5", "2026-03-10", 5, "2026-03-17"),
    ("plan day 10", "2026-03-10", 10, "2026-03-24"),
    ("plan day 12", "2026-03-10", 12, "2026-03-26"),
    ("plan day 14", "2026-03-10", 14, "2026-03-30"),
    ("advance copies of 15 April", "2026-04-15", -7, "2026-04-02"),
]


@pytest.mark.parametrize(("start", "working_days", "due"), [row[1:] for row in WORKED], ids=[row[0] for row in WORKED])
@pytest.mark.parametrize("hour", [0, 12, 23])
def test_the_worked_cases_come_out_as_written(start: str, working_days: int, due: str, hour: int) -> None:
    at = datetime.combine(date.fromisoformat(start), datetime.min.time(), LONDON) + timedelta(hours=hour)
    reckoning = reckon(at, working_days, CALENDAR)
    assert reckoning.day0.isoformat() == start
    assert reckoning.due.isoformat() == due


INSTANT_CASES = [
    ("2026-08-27T22:50:00+00:00", "2026-08-27", "2026-09-04", "2026-09-04T23:00:00+00:00"),
    ("2026-08-27T23:10:00+00:00", "2026-08-28", "2026-09-07", "2026-09-07T23:00:00+00:00"),
    ("2026-06-12T23:05:00+00:00", "2026-06-13", "2026-06-19", "2026-06-19T23:00:00+00:00"),
    ("2026-01-16T23:50:00+00:00", "2026-01-16", "2026-01-23", "2026-01-24T00:00:00+00:00"),
    ("2026-03-29T00:30:00+00:00", "2026-03-29", "2026-04-07", "2026-04-07T23:00:00+00:00"),
    ("2026-10-25T00:30:00+00:00", "2026-10-25", "2026-10-30", "2026-10-31T00:00:00+00:00"),
]


@pytest.mark.parametrize(("at", "day0", "due", "late_from"), INSTANT_CASES)
def test_day_0_is_the_london_date_and_late_begins_at_london_midnight(
    at: str, day0: str, due: str, late_from: str
) -> None:
    reckoning = reckon(datetime.fromisoformat(at), 5, CALENDAR)
    assert (reckoning.day0.isoformat(), reckoning.due.isoformat()) == (day0, due)
    assert reckoning.late_from == datetime.fromisoformat(late_from)


def test_the_last_second_of_the_due_day_is_in_time_and_midnight_is_late() -> None:
    reckoning = reckon(datetime(2026, 8, 27, 22, 50, tzinfo=UTC), 5, CALENDAR)
    assert reckoning.due == date(2026, 9, 4)
    assert not is_late(datetime(2026, 9, 4, 22, 59, 59, 999999, tzinfo=UTC), reckoning)
    assert is_late(datetime(2026, 9, 4, 23, 0, tzinfo=UTC), reckoning)


def test_beyond_2028_nothing_is_assumed() -> None:
    with pytest.raises(OutsideCalendar, match="2029-01-01"):
        reckon(datetime(2028, 12, 28, 12, tzinfo=UTC), 5, CALENDAR)
    assert reckon(datetime(2028, 12, 20, 12, tzinfo=UTC), 5, CALENDAR).due == date(2028, 12, 29)
    with pytest.raises(OutsideCalendar):
        reckon(datetime(2028, 12, 21, 12, tzinfo=UTC), 5, CALENDAR)
    with pytest.raises(OutsideCalendar):
        reckon(datetime(2029, 3, 1, tzinfo=UTC), 0, CALENDAR)
    with pytest.raises(OutsideCalendar):
        reckon(datetime.max.replace(tzinfo=UTC), 5, CALENDAR)
    with pytest.raises(OutsideCalendar):
        reckon(datetime.min.replace(tzinfo=UTC), -5, CALENDAR)


def test_a_naive_instant_cannot_be_reckoned_with() -> None:
    naive = datetime(2026, 8, 28, 0, 10)  # noqa: DTZ001
    with pytest.raises(NaiveInstant):
        reckon(naive, 5, CALENDAR)
    with pytest.raises(NaiveInstant):
        is_late(naive, reckon(datetime(2026, 8, 28, tzinfo=UTC), 5, CALENDAR))


def test_every_day_that_did_not_count_is_named_with_its_reason() -> None:
    reckoning = reckon(datetime(2026, 8, 27, 23, 10, tzinfo=UTC), 5, CALENDAR)
    assert [(off.day.isoformat(), off.why) for off in reckoning.not_counted] == [
        ("2026-08-29", "Saturday"),
        ("2026-08-30", "Sunday"),
        ("2026-08-31", "Summer bank holiday"),
        ("2026-09-05", "Saturday"),
        ("2026-09-06", "Sunday"),
    ]
    assert reckoning.calendar == CALENDAR.edition


def test_the_sentence_is_what_a_person_would_say() -> None:
    summer = reckon(datetime(2026, 8, 27, 23, 10, tzinfo=UTC), 5, CALENDAR)
    assert summer.sentence() == (
        "aware Fri 28 Aug 2026 00:10 BST; Mon 31 Aug is Summer bank holiday; due end of Mon 7 Sep 2026"
    )
    winter = reckon(datetime(2026, 1, 16, 23, 50, tzinfo=UTC), 5, CALENDAR)
    assert winter.sentence("received") == "received Fri 16 Jan 2026 23:50 GMT; due end of Fri 23 Jan 2026"


def test_suspended_working_days_do_not_count_and_are_told_as_a_number() -> None:
    at = datetime(2026, 3, 10, 9, tzinfo=UTC)
    paused = reckon(at, 5, CALENDAR, [Pause(date(2026, 3, 12), date(2026, 3, 17))])
    assert paused.due == date(2026, 3, 20)
    assert "3 suspended days do not count" in paused.sentence()


@given(at=INSTANTS, n=st.integers(min_value=-65, max_value=65).filter(bool))
def test_every_day_on_the_way_is_either_counted_or_told_why_not(at: datetime, n: int) -> None:
    try:
        reckoning = reckon(at, n, CALENDAR)
    except OutsideCalendar:
        assume(False)
    assert reckoning.due == CALENDAR.add(at.astimezone(LONDON).date(), n)
    step = 1 if n > 0 else -1
    way = [reckoning.day0 + timedelta(days=k * step) for k in range(1, abs((reckoning.due - reckoning.day0).days) + 1)]
    assert sorted(way) == sorted([*reckoning.counted, *(off.day for off in reckoning.not_counted)])
    assert len(reckoning.counted) == abs(n)
    assert reckoning.counted[-1] == reckoning.due
    assert reckoning.late_from.astimezone(LONDON) == datetime.combine(
        reckoning.due + timedelta(days=1), datetime.min.time(), LONDON
    )
    assert reckoning == restored(
        reckoning.at, reckoning.day0, n, reckoning.due, reckoning.late_from, reckoning.not_counted, reckoning.calendar
    )


@given(at=INSTANTS, n=st.integers(min_value=1, max_value=30), day=st.dates(CALENDAR.first, CALENDAR.last))
def test_a_proclaimed_day_moves_the_due_day_iff_it_was_counted(at: datetime, n: int, day: date) -> None:
    before = reckon(at, n, CALENDAR)
    after = reckon(at, n, CALENDAR.with_day(day, "Proclaimed", "next"))
    assert (after.due > before.due) == (day in before.counted)
    assert after.calendar == "next"


def test_due_on_friday_and_done_on_saturday_is_late_by_no_working_day_and_still_late() -> None:
    reckoning = reckon(datetime(2026, 3, 13, 12, tzinfo=UTC), 5, CALENDAR)
    saturday = datetime(2026, 3, 21, 10, tzinfo=UTC)
    assert is_late(saturday, reckoning)
    assert working_days_late(reckoning.due, saturday, CALENDAR) == 0
    assert working_days_late(reckoning.due, datetime(2026, 3, 23, 10, tzinfo=UTC), CALENDAR) == 1
    assert working_days_late(date(2026, 8, 28), datetime(2026, 8, 31, 23, 10, tzinfo=UTC), CALENDAR) == 1


@pytest.mark.parametrize(
    ("day0", "months", "due"),
    [
        ("2026-08-31", 6, "2027-02-28"),
        ("2025-11-30", 6, "2026-05-30"),
        ("2026-03-31", 6, "2026-09-30"),
        ("2023-08-31", 6, "2024-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2026-12-15", 12, "2027-12-15"),
        ("2026-06-30", 6, "2026-12-30"),
    ],
)
def test_months_lead_to_the_corresponding_date_or_the_months_end(day0: str, months: int, due: str) -> None:
    assert months_after(date.fromisoformat(day0), months) == date.fromisoformat(due)


def test_warnings_come_at_nine_in_london_on_the_third_and_fourth_working_day() -> None:
    reckoning = reckon(datetime(2026, 8, 27, 23, 10, tzinfo=UTC), 5, CALENDAR)
    assert warnings(reckoning, CALENDAR) == (
        datetime(2026, 9, 3, 8, tzinfo=UTC),
        datetime(2026, 9, 4, 8, tzinfo=UTC),
    )
    over_the_change = reckon(datetime(2026, 10, 21, 12, tzinfo=UTC), 5, CALENDAR)
    assert warnings(over_the_change, CALENDAR)[0] == datetime(2026, 10, 26, 9, tzinfo=UTC)
    assert warnings(reckon(datetime(2026, 3, 10, tzinfo=UTC), 1, CALENDAR), CALENDAR) == ()
    assert warnings(reckon(datetime(2026, 4, 14, tzinfo=UTC), -7, CALENDAR), CALENDAR) == ()


def test_a_miss_is_told_at_midnight_and_chased_at_nine_each_working_day() -> None:
    assert list(islice(chasers_after(date(2026, 4, 2), CALENDAR), 3)) == [
        datetime(2026, 4, 2, 23, tzinfo=UTC),
        datetime(2026, 4, 7, 8, tzinfo=UTC),
        datetime(2026, 4, 8, 8, tzinfo=UTC),
    ]


def test_chasing_does_not_fall_silent_where_the_calendar_ends() -> None:
    assert list(islice(chasers_after(date(2028, 12, 28), CALENDAR), 4)) == [
        datetime(2028, 12, 29, tzinfo=UTC),
        datetime(2028, 12, 29, 9, tzinfo=UTC),
        datetime(2029, 1, 1, 9, tzinfo=UTC),
        datetime(2029, 1, 2, 9, tzinfo=UTC),
    ]
