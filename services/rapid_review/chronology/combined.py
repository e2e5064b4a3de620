"""The combined chronology, whole: its lines, the gaps in sight, and what the returns leave out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.rapid_review.chronology.entries import Entry, Return
from services.rapid_review.chronology.lines import Line
from services.rapid_review.chronology.merging import lines
from services.rapid_review.chronology.prompts import Prompt, prompts
from services.rapid_review.chronology.sight import Gap, gaps, unsaid


@dataclass(frozen=True, slots=True)
class Combined:
    """`unsaid` lines say that a child was seen and not which of several."""

    lines: tuple[Line, ...]
    gaps: tuple[Gap, ...]
    prompts: tuple[Prompt, ...]
    unsaid: int


def combine(returns: Iterable[Return], children: Sequence[str], until: date | None = None) -> Combined:
    """The returns of a review as one chronology.

    Gaps in sight are sought from the first day that any agency was asked about to `until` (the day of the incident,
    say), or else to the last day asked about. Entries outside their agency's period are kept, and flagged.
    """
    answers = sorted(returns, key=lambda each: each.agency)
    only = children[0] if len(children) == 1 else None
    merged = lines((_flagged(entry, answer) for answer in answers for entry in answer.entries), only)
    asked = [answer for answer in answers if not answer.nil] or answers
    first = min((each.scope_from for each in asked), default=None)
    last = until or max((each.scope_to for each in asked), default=None)
    found = gaps(merged, children, first, last) if first and last else ()
    told = tuple(prompt for answer in answers for prompt in prompts(answer))
    return Combined(merged, found, told, unsaid(merged) if len(children) > 1 else 0)


def _flagged(entry: Entry, answer: Return) -> Entry:
    outside = entry.outside_scope or not answer.covers(entry.day)
    return entry if outside == entry.outside_scope else replace(entry, outside_scope=outside)
