"""Gaps in sight: the longest spans in which no agency saw a child."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from contracts.codes import YesNoNotKnown
from services.rapid_review.chronology.lines import Line

LONGEST = 3
"""How many are told of each child."""

SHORTEST = 14
"""Days. Shorter spans are no gap that a case group need look at."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Gap:
    """Days from the first to the last, both included, on which nobody is known to have seen the child.

    `disputed` are days within it on which one agency says that the child was seen and another that not.
    """

    child: str
    first: date
    last: date
    disputed: tuple[date, ...] = ()

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def sightings(lines: Iterable[Line], child: str, *, only: bool) -> tuple[date, ...]:
    """The days on which a child was seen. An entry that names no child counts where it is the only one."""
    seen = {line.day for line in lines if line.child_seen is YesNoNotKnown.YES and _about(line, child, only)}
    return tuple(sorted(seen))


def gaps(lines: Sequence[Line], children: Sequence[str], first: date, last: date) -> tuple[Gap, ...]:
    """The longest gaps of each child between two days, both included; each child's longest first."""
    only = len(children) == 1
    return tuple(gap for child in children for gap in _of_a_child(lines, child, only, first, last))


def unsaid(lines: Iterable[Line]) -> int:
    """How many lines say that a child was seen and not which: among several children, they close no gap."""
    return sum(line.child_seen is YesNoNotKnown.YES and not line.subjects for line in lines)


def _of_a_child(lines: Sequence[Line], child: str, only: bool, first: date, last: date) -> list[Gap]:
    seen = [day for day in sightings(lines, child, only=only) if first <= day <= last]
    edges = [first - _DAY, *seen, last + _DAY]
    disputed = sorted({line.day for line in lines if _disputed(line) and _about(line, child, only)})
    spans = [(before + _DAY, after - _DAY) for before, after in pairwise(edges)]
    found = [
        Gap(child, begin, end, tuple(day for day in disputed if begin <= day <= end))
        for begin, end in spans
        if (end - begin).days + 1 >= SHORTEST
    ]
    return sorted(found, key=lambda gap: (-gap.days, gap.first))[:LONGEST]


def _about(line: Line, child: str, only: bool) -> bool:
    return child in line.subjects or (only and not line.subjects)


def _disputed(line: Line) -> bool:
    return {YesNoNotKnown.YES, YesNoNotKnown.NO} <= {each.child_seen for each in line.statements}
