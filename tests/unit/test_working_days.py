"""Working days in England and Wales, held to independent oracles."""

from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import holidays
import numpy as np
import pytest
from govuk_bank_holidays.bank_holidays import BankHolidays
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.working_days import OutsideCalendar, england_and_wales, read_history

CALENDAR = england_and_wales()
OFFICIAL = BankHolidays(use_cached_holidays=True).get_holidays(division=BankHolidays.ENGLAND_AND_WALES)
DAYS_OFF = np.array([event["date"] for event in OFFICIAL], dtype="datetime64[D]")
OTHER_LIBRARY = holidays.country_holidays("GB", subdiv="ENG", years=range(2012, 2030))
EVERY_DAY = st.dates(CALENDAR.first, CALENDAR.last)


def test_the_history_holds_the_official_days_of_england_and_wales_and_no_other() -> None:
    assert set(CALENDAR.days_off) == {event["date"] for event in OFFICIAL}
    for event in OFFICIAL:
        assert CALENDAR.days_off[event["date"]].startswith(event["title"])


def test_the_calendar_covers_whole_years_for_which_official_days_are_known() -> None:
    assert (CALENDAR.first, CALENDAR.last) == (date(2012, 1, 1), date(2028, 12, 31))
    # The official package fails open here: it calls New Year's Day of a year it does not know a working day.
    assert BankHolidays(use_cached_holidays=True).is_work_day(date(2029, 1, 1), BankHolidays.ENGLAND_AND_WALES)
    with pytest.raises(OutsideCalendar, match="2029-01-01"):
        CALENDAR.is_working_day(date(2029, 1, 1))
    with pytest.raises(OutsideCalendar):
        CALENDAR.why_not(date(2011, 12, 31))


def test_why_a_day_does_not_count_is_told_by_name() -> None:
    assert CALENDAR.why_not(date(2026, 8, 29)) == "Saturday"
    assert CALENDAR.why_not(date(2026, 8, 30)) == "Sunday"
    assert CALENDAR.why_not(date(2026, 8, 31)) == "Summer bank holiday"
    assert CALENDAR.why_not(date(2026, 4, 3)) == "Good Friday"
    assert CALENDAR.why_not(date(2026, 12, 28)) == "Boxing Day (substitute day)"
    assert CALENDAR.why_not(date(2026, 9, 1)) is None


def test_the_moved_and_the_proclaimed_days_are_days_off_and_the_days_they_left_are_not() -> None:
    for off in ("2020-05-08", "2022-06-02", "2022-06-03", "2022-09-19", "2023-05-01", "2023-05-08"):
        assert not CALENDAR.is_working_day(date.fromisoformat(off)), off
    for on in ("2020-05-04", "2022-05-30", "2026-06-15"):
        assert CALENDAR.is_working_day(date.fromisoformat(on)), on


def test_every_day_agrees_with_another_library() -> None:
    day = CALENDAR.first
    while day <= CALENDAR.last:
        assert CALENDAR.is_working_day(day) == (day.weekday() < 5 and day not in OTHER_LIBRARY), day
        day += timedelta(days=1)


@given(day0=EVERY_DAY, n=st.integers(min_value=-70, max_value=70).filter(bool))
def test_counting_agrees_with_numpy(day0: date, n: int) -> None:
    roll: Literal["backward", "forward"] = "backward" if n > 0 else "forward"
    oracle = np.busday_offset([day0], [n], roll=roll, holidays=DAYS_OFF).astype(object)[0]
    assume(CALENDAR.covers(oracle))
    assert CALENDAR.add(day0, n) == oracle


@given(after=EVERY_DAY, until=EVERY_DAY)
def test_the_working_days_between_two_dates_agree_with_numpy(after: date, until: date) -> None:
    oracle = (
        np.busday_count(after + timedelta(days=1), until + timedelta(days=1), holidays=DAYS_OFF) if after < until else 0
    )
    assert CALENDAR.between(after, until) == oracle


@given(day0=EVERY_DAY, n=st.integers(min_value=1, max_value=70))
def test_the_nth_working_day_is_n_working_days_away(day0: date, n: int) -> None:
    try:
        due = CALENDAR.add(day0, n)
    except OutsideCalendar:
        assume(False)
    assert CALENDAR.between(day0, due) == n
    assert CALENDAR.is_working_day(due)


def test_every_start_of_the_known_years_agrees_with_numpy() -> None:
    starts = np.arange(np.datetime64("2012-02-01"), np.datetime64("2028-09-01"))
    for n in (5, 7, 10, 15, 20, 25, 30, 65, -7):
        roll: Literal["backward", "forward"] = "backward" if n > 0 else "forward"
        oracle = np.busday_offset(starts, n, roll=roll, holidays=DAYS_OFF).astype(object)
        ours = [CALENDAR.add(day, n) for day in starts.astype(object)]
        assert ours == list(oracle), n


@pytest.mark.parametrize(
    ("last_start", "n"),
    [(date(2028, 12, 20), 5), (date(2028, 12, 6), 15), (date(2028, 9, 27), 65)],
)
def test_a_count_that_leaves_the_calendar_is_refused_and_the_last_that_stays_is_not(last_start: date, n: int) -> None:
    assert CALENDAR.add(last_start, n) <= date(2028, 12, 31)
    with pytest.raises(OutsideCalendar, match="2029-01-01"):
        CALENDAR.add(last_start + timedelta(days=1), n)


def test_the_end_of_time_is_outside_the_calendar() -> None:
    with pytest.raises(OutsideCalendar):
        CALENDAR.add(date.max, 1)
    with pytest.raises(OutsideCalendar):
        CALENDAR.add(date.min, -1)


@given(day=EVERY_DAY, start=EVERY_DAY)
def test_a_proclaimed_day_is_off_in_the_new_edition_and_changes_no_other(day: date, start: date) -> None:
    proclaimed = CALENDAR.with_day(day, "Proclaimed", "next")
    assert proclaimed.edition == "next"
    assert not proclaimed.is_working_day(day)
    assert proclaimed.days_off[day] == CALENDAR.days_off.get(day, "Proclaimed")
    assert start == day or proclaimed.why_not(start) == CALENDAR.why_not(start)
    assert CALENDAR.edition != "next"


def test_a_later_edition_extends_the_cover_adds_days_and_withdraws_those_that_were_moved(tmp_path: Path) -> None:
    path = tmp_path / "history.toml"
    path.write_text(
        """
        division = "somewhere"
        [[edition]]
        id = "1"
        first = 2019-01-01
        last = 2019-12-31
        withdrawn = []
        [edition.days]
        2019-05-06 = "May"
        2019-12-25 = "Christmas Day"
        [[edition]]
        id = "2"
        first = 2020-01-01
        last = 2020-12-31
        withdrawn = [2019-05-06]
        [edition.days]
        2019-05-08 = "Moved"
        """
    )
    calendar = read_history(path)
    assert calendar.edition == "somewhere/2"
    assert (calendar.first, calendar.last) == (date(2019, 1, 1), date(2020, 12, 31))
    assert dict(calendar.days_off) == {date(2019, 12, 25): "Christmas Day", date(2019, 5, 8): "Moved"}
