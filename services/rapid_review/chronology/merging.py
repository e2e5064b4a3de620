"""Entries of many agencies into lines: duplicates joined, conflicts side by side. Nothing is lost.

An event is joined, or put side by side, only within one day and about the same subjects (those left open are the same
as those left open elsewhere; in a review of one child, the same as that child, as they are for gaps in sight). What
comes out does not depend on the order in which returns arrived.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, time
from itertools import combinations

from contracts.codes import YesNoNotKnown
from contracts.review_codes import EntryKind
from services.rapid_review.chronology.entries import Entry
from services.rapid_review.chronology.likeness import Reading, alike, reading, same_sense
from services.rapid_review.chronology.lines import Differ, Line, Statement

CROWDED = 150
"""Entries of one day about the same subjects. Where there are more (a sheet whose rows all bear one date), only those
that say exactly the same are joined: to compare each with each would take minutes."""

ONE_EVENT_WITHIN = 180
"""Minutes. Two agencies that time it further apart speak of two events, however alike their words are."""

_SEEN_FIRST = {YesNoNotKnown.YES: 0, YesNoNotKnown.NO: 1, YesNoNotKnown.NOT_KNOWN: 2}


@dataclass(slots=True)
class _Said:
    """A statement in the making; its first entry's words are what further ones are compared with."""

    entries: list[Entry]
    words: Reading
    at: time | None
    seen: YesNoNotKnown
    agencies: set[str]

    @property
    def kind(self) -> EntryKind:
        return self.entries[0].kind

    @property
    def id(self) -> str:
        return self.entries[0].id

    def takes(self, entry: Entry, words: Reading) -> bool:
        """A duplicate: of one kind (the caller sees to that), contradicting nothing, in nearly the same words."""
        return (
            (entry.at is None or self.at in (None, entry.at))
            and (YesNoNotKnown.NOT_KNOWN in (entry.child_seen, self.seen) or entry.child_seen is self.seen)
            and same_sense(words, self.words)
            and alike(words, self.words)
        )

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.agencies.add(entry.agency)
        self.at = self.at if self.at is not None else entry.at
        self.seen = entry.child_seen if self.seen is YesNoNotKnown.NOT_KNOWN else self.seen


@dataclass(slots=True)
class _Event:
    """Statements about one event, no agency twice."""

    said: list[_Said]
    agencies: set[str] = field(default_factory=set)


def lines(entries: Iterable[Entry], only: str | None = None) -> tuple[Line, ...]:
    """The lines of the combined chronology, in its order. An id that comes twice counts once.

    `only` is the one child that the review is about, where it is about one.
    """
    left_open = frozenset([only] if only else [])
    unique = {each.id: each for each in sorted(entries, key=_place)}
    days: dict[tuple[date, frozenset[str]], list[Entry]] = defaultdict(list)
    for entry in unique.values():
        days[entry.day, entry.subjects or left_open].append(entry)
    compared = (group for of_a_day in days.values() for group in _compared(of_a_day))
    made = (_line(event) for group in compared for event in _events(_statements(group)))
    return tuple(sorted(made, key=lambda line: line.place))


def _compared(entries: list[Entry]) -> Iterable[list[Entry]]:
    """Those among which likeness is sought."""
    if len(entries) <= CROWDED:
        return [entries]
    same: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
    for each in entries:
        same[each.event or each.id, each.kind, each.at, each.child_seen].append(each)
    return same.values()


def _place(entry: Entry) -> tuple[object, ...]:
    return entry.day, entry.at is None, entry.at or time.max, _SEEN_FIRST[entry.child_seen], entry.agency, entry.id


def _statements(entries: list[Entry]) -> list[_Said]:
    """Each entry joins the first statement that it repeats, or makes one of its own."""
    by_kind: dict[EntryKind, list[_Said]] = defaultdict(list)
    for entry in entries:
        words = reading(entry.event)
        home = next((each for each in by_kind[entry.kind] if each.takes(entry, words)), None)
        if home is None:
            by_kind[entry.kind].append(_Said([entry], words, entry.at, entry.child_seen, {entry.agency}))
        else:
            home.add(entry)
    return [said for of_a_kind in by_kind.values() for said in of_a_kind]


def _events(statements: list[_Said]) -> list[_Event]:
    """Statements of different agencies about one event, brought together: the closest first."""
    home = {each.id: _Event([each], set(each.agencies)) for each in statements}
    for _, _, one, other in sorted(_pairs(statements)):
        left, right = home[one], home[other]
        if left is right or left.agencies & right.agencies:
            continue
        left.said += right.said
        left.agencies |= right.agencies
        for each in right.said:
            home[each.id] = left
    return list({id(event): event for event in home.values()}.values())


def _pairs(statements: list[_Said]) -> Iterator[tuple[int, int, str, str]]:
    """Those that may be about one event, with how much lies between them: the points, then the minutes."""
    for one, other in combinations(statements, 2):
        apart = _minutes(one, other)
        if apart > ONE_EVENT_WITHIN or not one.agencies.isdisjoint(other.agencies):
            continue
        same_moment = one.kind is other.kind and one.at is not None and one.at == other.at
        near = alike(one.words, other.words)
        if near or same_moment:
            points = _differ(one, other)
            if Differ.CHILD_SEEN in points or (near and points):
                yield len(points), apart, min(one.id, other.id), max(one.id, other.id)


def _differ(one: _Said, other: _Said) -> frozenset[Differ]:
    found = {
        Differ.TIME: None not in (one.at, other.at) and one.at != other.at,
        Differ.KIND: one.kind is not other.kind,
        Differ.CHILD_SEEN: {one.seen, other.seen} == {YesNoNotKnown.YES, YesNoNotKnown.NO},
        Differ.WORDS: not same_sense(one.words, other.words),
    }
    return frozenset(what for what, differs in found.items() if differs)


def _minutes(one: _Said, other: _Said) -> int:
    if one.at is None or other.at is None:
        return 0
    return abs((one.at.hour - other.at.hour) * 60 + one.at.minute - other.at.minute)


def _line(event: _Event) -> Line:
    said = sorted(event.said, key=lambda each: _place(each.entries[0]))
    differ = frozenset[Differ]().union(*(_differ(one, other) for one, other in combinations(said, 2)))
    return Line(tuple(Statement(tuple(each.entries)) for each in said), differ)
