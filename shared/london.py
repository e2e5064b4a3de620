"""Instants and the London dates that they fall on. Pure: nothing here asks for the time."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


class NaiveInstant(ValueError):
    """An instant without a UTC offset: nobody can tell which London day it fell on."""


def london_date(at: datetime) -> date:
    """The calendar date in London at an instant, never the UTC date. Raises NaiveInstant."""
    return aware(at).astimezone(LONDON).date()


def aware(at: datetime) -> datetime:
    """The same instant, if it has a UTC offset. Raises NaiveInstant."""
    if at.utcoffset() is None:
        raise NaiveInstant(f"{at.isoformat()} has no UTC offset")
    return at
