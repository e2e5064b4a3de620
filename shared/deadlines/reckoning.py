"""From an instant and a number of working days, or of calendar months, to the day it is due, and how it got there.

Sources: DOMAIN section 2 (day 0 is the London date and is not counted; due at the end of the last day; late from 00:00
London the day after) and 4A items 8 and 9 (working days late, warnings, chasers).
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from itertools import count

from shared.london import LONDON, aware, london_date
from shared.working_days import ONE_DAY, Calendar, OutsideCalendar

MORNING = time(9)
SUSPENDED = "suspended"


@dataclass(frozen=True)
class NotCounted:
    """A day that did not count."""

    day: date
    why: str


@dataclass(frozen=True)
class Pause:
    """The days from a suspension up to, and without, the day of resumption."""

    suspended: date
    resumed: date

    def holds(self, day: date) -> bool:
        return self.suspended <= day < self.resumed


@dataclass(frozen=True)
class Reckoning:
    """How a due day was arrived at. `counted` and `not_counted` stand in the order of counting, back or forward.

    Reckoned in `months`, every day counts: none is listed, and `working_days` is 0.
    """

    at: datetime
    day0: date
    working_days: int
    due: date
    late_from: datetime
    counted: tuple[date, ...]
    not_counted: tuple[NotCounted, ...]
    calendar: str
    months: int | None = None

    def sentence(self, starting: str = "aware") -> str:
        """The reckoning for people; weekends go without saying."""
        named = [f"{_short(off.day)} is {off.why}" for off in self.not_counted if _needs_saying(off)]
        suspended = sum(off.why == SUSPENDED for off in self.not_counted)
        if suspended:
            named.append(f"{suspended} suspended {'day does' if suspended == 1 else 'days do'} not count")
        if self.months:
            named.append(f"{self.months} calendar {'month' if self.months == 1 else 'months'}")
        local = self.at.astimezone(LONDON)
        return "; ".join([f"{starting} {long(local.date())} {local:%H:%M %Z}", *named, f"due end of {long(self.due)}"])


def reckon(at: datetime, working_days: int, calendar: Calendar, pauses: Sequence[Pause] = ()) -> Reckoning:
    """Counts working days from an instant; a negative number counts back ("no later than 7 working days before").

    Counting back, too, the due day is the last day on which it may be done, and late is 00:00 London the day after it.
    Zero is due on day 0 itself. Raises NaiveInstant, and OutsideCalendar rather than guess.
    """
    try:
        day0 = london_date(at)
    except OverflowError:
        raise OutsideCalendar(at.date(), calendar.first, calendar.last) from None
    counted, not_counted, due = _counted(day0, working_days, calendar, tuple(pauses))
    return Reckoning(
        at.astimezone(UTC),
        day0,
        working_days,
        due,
        london_instant(due + ONE_DAY),
        counted,
        not_counted,
        calendar.edition,
    )


@lru_cache(maxsize=4096)  # thousands of clocks begin on the same day
def _counted(
    day0: date, working_days: int, calendar: Calendar, pauses: tuple[Pause, ...]
) -> tuple[tuple[date, ...], tuple[NotCounted, ...], date]:
    """The days that counted, those that did not, and the last one. Raises OutsideCalendar."""
    day, step = day0, ONE_DAY if working_days > 0 else -ONE_DAY
    counted: list[date] = []
    not_counted: list[NotCounted] = []
    while len(counted) < abs(working_days):
        day = calendar.beside(day, step)
        why = calendar.why_not(day) or (SUSPENDED if any(pause.holds(day) for pause in pauses) else None)
        if why is None:
            counted.append(day)
        else:
            not_counted.append(NotCounted(day, why))
    if not calendar.covers(day):
        raise OutsideCalendar(day, calendar.first, calendar.last)
    return tuple(counted), tuple(not_counted), day


def reckon_months(at: datetime, months: int, calendar: Calendar) -> Reckoning:
    """Counts calendar months from an instant: the corresponding date, wherever in the week it falls (DOMAIN 1.5).

    Raises NaiveInstant, and OutsideCalendar where the calendar does not reach the due day: nobody could tell the last
    working day before it.
    """
    try:
        day0 = london_date(at)
        due = months_after(day0, months)
    except (OverflowError, ValueError):
        raise OutsideCalendar(at.date(), calendar.first, calendar.last) from None
    if not (calendar.covers(day0) and calendar.covers(due)):
        raise OutsideCalendar(due, calendar.first, calendar.last)
    late_from = london_instant(due + ONE_DAY)
    return Reckoning(at.astimezone(UTC), day0, 0, due, late_from, (), (), calendar.edition, months)


def restored(
    at: datetime,
    day0: date,
    working_days: int,
    due: date,
    late_from: datetime,
    not_counted: Sequence[NotCounted],
    calendar: str,
    months: int | None = None,
) -> Reckoning:
    """A reckoning as it was recorded, whatever the calendar says today: what is not named as not counted counted."""
    if months:
        return Reckoning(at, day0, working_days, due, late_from, (), (), calendar, months)
    off = {day.day for day in not_counted}
    low, high = (day0 + ONE_DAY, due) if working_days > 0 else (due, day0 - ONE_DAY)
    days = (date.fromordinal(ordinal) for ordinal in range(low.toordinal(), high.toordinal() + 1))
    counted = sorted((day for day in days if day not in off), reverse=working_days < 0)
    return Reckoning(at, day0, working_days, due, late_from, tuple(counted), tuple(not_counted), calendar)


def is_late(submitted_at: datetime, reckoning: Reckoning) -> bool:
    """Half-open: the last instant of the due day is in time, midnight is late. Raises NaiveInstant."""
    return aware(submitted_at) >= reckoning.late_from


def working_days_late(due: date, at: datetime, calendar: Calendar) -> int:
    """The working days after the due day up to and including the London date of `at` (DOMAIN 4A item 8).

    Due on Friday and done on Saturday is late by 0 working days, and still late. Raises OutsideCalendar, NaiveInstant.
    """
    return calendar.between(due, london_date(at))


def months_after(day0: date, months: int) -> date:
    """The corresponding date, clamped to the month's end; a weekend is not rolled forward (DOMAIN 1.5)."""
    year, month = divmod(day0.year * 12 + day0.month - 1 + months, 12)
    return date(year, month + 1, min(day0.day, monthrange(year, month + 1)[1]))


def warnings(reckoning: Reckoning, calendar: Calendar) -> tuple[datetime, ...]:
    """09:00 London on the two working days before the last, as 3 and 4 are of T01's five (DOMAIN 4A item 9), in order;
    none when counting back.

    A day that has been proclaimed a day off since the reckoning warns all the same: a warning too many does no harm.
    Reckoned in months: on the last working day of the period, which the due day itself need not be (DOMAIN 1.5).
    """
    if reckoning.months:
        return (london_instant(_working_day_until(reckoning.due, calendar), MORNING),)
    if reckoning.working_days <= 0:
        return ()
    return tuple(london_instant(day, MORNING) for day in reckoning.counted[:-1][-2:])


def _working_day_until(day: date, calendar: Calendar) -> date:
    while calendar.covers(day) and not calendar.is_working_day(day):
        day = calendar.beside(day, -ONE_DAY)
    return day


def chasers_after(due: date, calendar: Calendar) -> Iterator[datetime]:
    """00:00 London after the due day, then 09:00 on every working day, without end (DOMAIN 4A item 9).

    Where the calendar ends every day is a day to chase: a reminder too many does less harm than silence.
    """
    yield london_instant(due + ONE_DAY)
    for ordinal in count(due.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if not calendar.covers(day) or calendar.is_working_day(day):
            yield london_instant(day, MORNING)


@lru_cache(maxsize=4096)
def london_instant(day: date, at: time = time(0)) -> datetime:
    """That time of that day in London, in UTC."""
    return datetime.combine(day, at, LONDON).astimezone(UTC)


def long(day: date) -> str:
    """A date as people read it: Mon 7 Sep 2026."""
    return f"{_short(day)} {day.year}"


def _short(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _needs_saying(off: NotCounted) -> bool:
    return off.day.weekday() < 5 and off.why != SUSPENDED
