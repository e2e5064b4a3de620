"""Days and times as people and Excel write them. A day that can be read in two ways is not guessed."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any


class Unread(Exception):
    """A cell holds what cannot be taken; the message says what can, and never what it holds."""


class Ambiguous(Unread):
    """A day that can be read in two ways."""


EXCEL_DAY_0 = datetime(1899, 12, 30)  # noqa: DTZ001 - a day of a calendar, in no time zone
PLAUSIBLE = (date(1950, 1, 1), date(2100, 1, 1))
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul"),
            *("august aug", "september sept sep", "october oct", "november nov", "december dec"),
        ),
        1,
    )
    for name in names.split()
}
_WEEKDAY = re.compile(r"^(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+", re.IGNORECASE)
_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?)?$")
_NUMBERS = re.compile(r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:\s+(\d{1,2}:\d{2}(?::\d{2})?))?$")
_DAY_MONTH = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)?(?:\s+of)?[\s-]+([a-z]+)\.?,?[\s-]+(\d{4})$", re.IGNORECASE)
_MONTH_DAY = re.compile(r"^([a-z]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})$", re.IGNORECASE)
_SERIAL = re.compile(r"^\d{5}(?:\.\d+)?$")
_CLOCK = re.compile(r"^(\d{1,2})(?:[:.](\d{2}))?(?::(\d{2})(?:\.0+)?)?\s*([ap])\.?m\.?$", re.IGNORECASE)
_CLOCK_24 = re.compile(r"^(\d{1,2})[:.](\d{2})(?::(\d{2})(?:\.0+)?)?$")
FORMS = "write it as 2026-04-03 or as 3 April 2026"


def day_of(value: Any, *, day_first: bool = False) -> tuple[date, time | None]:
    """The day in a cell, with the time that stands in it too. Raises Unread, Ambiguous.

    A number is a day as Excel keeps it, alone or with its workbook's day 0. Days of two numbers and a year are read
    only when just one reading is a day, or when the day is stated to come first.
    """
    match value:
        case datetime():
            found, at = value.date(), value.time().replace(microsecond=0)
            return _plausible(found), at if at != time.min else None
        case date():
            return _plausible(value), None
        case (number, day_0) if isinstance(day_0, datetime):
            return _from_number(float(number), day_0)
        case int() | float():
            return _from_number(float(value), EXCEL_DAY_0)
        case None:
            raise Unread(f"the date is missing: {FORMS}")
    return _from_text(_WEEKDAY.sub("", str(value).strip()), day_first)


def time_of(value: Any) -> time | None:
    """The time in a cell, or none where it is empty. Raises Unread. A fraction is part of a day, as Excel keeps it."""
    match value:
        case None | "":
            return None
        case datetime():
            return value.time().replace(microsecond=0)
        case time():
            return value.replace(microsecond=0)
        case (number, datetime()):
            return _of_a_day(float(number))
        case int() | float():
            return _of_a_day(float(value))
    return _time_from_text(str(value).strip())


def _from_text(text: str, day_first: bool) -> tuple[date, time | None]:
    if not text:
        raise Unread(f"the date is missing: {FORMS}")
    if found := _ISO.match(text):
        return _date(found[1], found[2], found[3]), _time_from_text(found[4]) if found[4] else None
    if found := _NUMBERS.match(text):
        return _from_numbers(found[1], found[2], found[3], day_first), _time_from_text(found[4]) if found[4] else None
    if found := _DAY_MONTH.match(text):
        return _date(found[3], _month(found[2]), found[1]), None
    if found := _MONTH_DAY.match(text):
        return _date(found[3], _month(found[1]), found[2]), None
    if _SERIAL.match(text):
        return _from_number(float(text), EXCEL_DAY_0)
    raise Unread(f"the date cannot be read: {FORMS}")


def _from_numbers(first: str, second: str, year: str, day_first: bool) -> date:
    if not day_first and first != second and int(first) <= 12 and int(second) <= 12:
        raise Ambiguous(f"the date can be read in two ways: {FORMS}, or state that the day comes first")
    if not day_first and int(second) > 12:
        return _date(year, first, second)
    return _date(year, second, first)


def _from_number(number: float, day_0: datetime) -> tuple[date, time | None]:
    try:
        at = day_0 + timedelta(seconds=round(number * 86_400))
    except (OverflowError, ValueError):
        raise Unread(f"the date is a number that is no day: {FORMS}") from None
    return _plausible(at.date()), at.time() if at.time() != time.min else None


def _date(year: str | int, month: str | int, day: str | int) -> date:
    try:
        return _plausible(date(int(year), int(month), int(day)))
    except ValueError:
        raise Unread(f"there is no such day in the calendar: {FORMS}") from None


def _month(name: str) -> int:
    try:
        return _MONTHS[name.casefold()]
    except KeyError:
        raise Unread(f"the date cannot be read: {FORMS}") from None


def _plausible(day: date) -> date:
    if not PLAUSIBLE[0] <= day < PLAUSIBLE[1]:
        raise Unread(f"the date lies before {PLAUSIBLE[0].year} or after {PLAUSIBLE[1].year - 1}: look at its year")
    return day


def _of_a_day(fraction: float) -> time:
    if not 0 <= fraction < 1:
        raise Unread("the time cannot be read: write it as 14:30")
    return (EXCEL_DAY_0 + timedelta(seconds=min(round(fraction * 86_400), 86_399))).time()


def _time_from_text(text: str) -> time | None:
    if not text:
        return None
    if found := _CLOCK.match(text):
        hour = int(found[1])
        if 1 <= hour <= 12:
            return _clock(hour % 12 + (12 if found[4].casefold() == "p" else 0), found[2], found[3])
    elif found := _CLOCK_24.match(text):
        return _clock(int(found[1]), found[2], found[3])
    raise Unread("the time cannot be read: write it as 14:30")


def _clock(hour: int, minute: str | None, second: str | None) -> time:
    try:
        return time(hour, int(minute or 0), int(second or 0))
    except ValueError:
        raise Unread("there is no such time of day: write it as 14:30") from None
