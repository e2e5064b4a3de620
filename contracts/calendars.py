"""The calendar stream, owned by the gateway: a proclaimed day off is proposed by one person, approved by another."""

from datetime import date
from typing import Annotated

from pydantic import Field

from contracts.sealing import Model

Title = Annotated[str, Field(min_length=3, max_length=80)]
Source = Annotated[str, Field(min_length=3, max_length=200, description="Where it was proclaimed.")]


class CalendarDayProposed(Model):
    day: date
    title: Title
    source: Source


class CalendarDayAdded(Model):
    """Approved. Open deadlines are recomputed by every service; closed ones stay as they were."""

    day: date
    title: Title
    source: Source
    edition: Annotated[str, Field(max_length=60)] | None = Field(None, description="Given by the owner.")
