"""The retention schedule: how long each class of record is kept, by which source, and when one is due. Pure.

Due is never erased: a person proposes, another decides. What cannot be reckoned is not due, and is told.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEDULE = Path(__file__).with_name("retention.toml")


class RecordClass(BaseModel):
    """One line of the schedule, with where it is from and how far that is verified."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^[a-z_]{3,60}$")]
    of: Literal["incident", "subject"]
    default: bool = False
    years: Annotated[int, Field(ge=1, le=150)]
    counted_from: Annotated[Literal["last_filed", "birth"], Field(alias="from")]
    source: str
    status: Literal["V", "L", "D", "U"]
    note: str = ""


@dataclass(frozen=True)
class Kept:
    """A record as far as the schedule needs it. `born` only where its class counts from birth and the date is known."""

    owner: str
    record_class: str
    last_filed: date
    born: date | None = None


@dataclass(frozen=True)
class Due:
    """When a record is due; None where it cannot be reckoned (a birth that is not known)."""

    owner: str
    record_class: RecordClass
    on: date | None


@cache
def schedule() -> Mapping[str, RecordClass]:
    """The classes by their ids. Raises ValueError where the file cannot be used."""
    told = tomllib.loads(SCHEDULE.read_text(encoding="utf-8"))
    classes = {each.id: each for each in map(RecordClass.model_validate, told["class"])}
    for of in ("incident", "subject"):
        if sum(each.default for each in classes.values() if each.of == of) != 1:
            raise ValueError(f"{SCHEDULE.name} needs exactly one default class of {of}")
    return classes


def default_class(owner: str) -> RecordClass:
    """The class of a record that nobody has given another."""
    of = owner.partition("-")[0]
    return next(each for each in schedule().values() if each.of == of and each.default)


def due(kept: Sequence[Kept]) -> list[Due]:
    """When each record is due, the earliest first, those that cannot be reckoned last."""
    found = [Due(each.owner, schedule()[each.record_class], _on(each)) for each in kept]
    return sorted(found, key=lambda one: (one.on or date.max, one.owner))


def _on(kept: Kept) -> date | None:
    line = schedule()[kept.record_class]
    start = kept.born if line.counted_from == "birth" else kept.last_filed
    return _years_after(start, line.years) if start else None


def _years_after(day: date, years: int) -> date:
    """The corresponding day; of 29 February, 1 March where there is none: never a day too early."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
