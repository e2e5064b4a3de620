"""Which days are working days in England and Wales, and how to count them.

A working day is not a Saturday, a Sunday, Christmas Day, Good Friday or a bank holiday (the definition of SI 2006/1738
regulation 2, adopted for every rule). Outside the days that a calendar covers nothing is assumed.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType

ONE_DAY = timedelta(days=1)
WEEKEND = {5: "Saturday", 6: "Sunday"}


class OutsideCalendar(Exception):
    """A day that the calendar says nothing about."""

    def __init__(self, day: date, first: date, last: date) -> None:
        super().__init__(f"the calendar runs from {first} to {last} and says nothing about {day}")
        self.day = day


@dataclass(frozen=True)
class Calendar:
    """The days off between two dates, both covered, as one edition of the list has them."""

    edition: str
    first: date
    last: date
    days_off: Mapping[date, str]

    def __hash__(self) -> int:
        return hash((self.edition, self.first, self.last))

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last

    def is_working_day(self, day: date) -> bool:
        """Raises OutsideCalendar."""
        return self.why_not(day) is None

    def why_not(self, day: date) -> str | None:
        """Why a day is no working day ("Saturday", "Good Friday"), or None if it is one. Raises OutsideCalendar."""
        if not self.covers(day):
            raise OutsideCalendar(day, self.first, self.last)
        return self.days_off.get(day) or WEEKEND.get(day.weekday())

    def add(self, day0: date, working_days: int) -> date:
        """The nth working day after day 0, before it for a negative number; day 0 is not counted.

        Raises OutsideCalendar if any day that must be looked at is not covered.
        """
        day, step, left = day0, ONE_DAY if working_days > 0 else -ONE_DAY, abs(working_days)
        while left:
            day = self.beside(day, step)
            left -= self.is_working_day(day)
        return day

    def between(self, after: date, until: date) -> int:
        """The working days after one date up to and including another; 0 if there are none. Raises OutsideCalendar."""
        days = (date.fromordinal(ordinal) for ordinal in range(after.toordinal() + 1, until.toordinal() + 1))
        return sum(self.is_working_day(day) for day in days)

    def beside(self, day: date, step: timedelta) -> date:
        """The next day in a direction. Raises OutsideCalendar at the end of time."""
        try:
            return day + step
        except OverflowError:
            raise OutsideCalendar(day, self.first, self.last) from None

    def with_day(self, day: date, title: str, edition: str) -> "Calendar":
        """This calendar with one more day off (a proclaimed one), under a new edition; its cover stays as it is.

        A day that is off already keeps its title.
        """
        return Calendar(edition, self.first, self.last, MappingProxyType({day: title, **self.days_off}))


@cache
def england_and_wales() -> Calendar:
    """The list for England and Wales, from the project's own append-only history of it."""
    return read_history(Path(__file__).parent / "calendars" / "england-and-wales.toml")


def read_history(path: Path) -> Calendar:
    """The calendar after every edition of a history file has been applied in order."""
    history = tomllib.loads(path.read_text(encoding="utf-8"))
    days: dict[date, str] = {}
    for edition in history["edition"]:
        days |= {date.fromisoformat(day): title for day, title in edition["days"].items()}
        for day in edition["withdrawn"]:
            del days[day]
    first = min(edition["first"] for edition in history["edition"])
    latest = history["edition"][-1]
    return Calendar(f"{history['division']}/{latest['id']}", first, latest["last"], MappingProxyType(days))
