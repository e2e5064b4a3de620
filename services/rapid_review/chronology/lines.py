"""A line of the combined chronology: what one or several agencies say of one event."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum

from contracts.codes import YesNoNotKnown
from contracts.review_codes import EntryKind
from services.rapid_review.chronology.entries import Entry


class Differ(StrEnum):
    """In what two agencies differ about one event."""

    TIME = "time"
    KIND = "kind"
    CHILD_SEEN = "child_seen"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Statement:
    """Entries that say the same of an event: every one is kept, as a source."""

    entries: tuple[Entry, ...]

    @property
    def first(self) -> Entry:
        return self.entries[0]

    @property
    def at(self) -> time | None:
        return next((each.at for each in self.entries if each.at is not None), None)

    @property
    def child_seen(self) -> YesNoNotKnown:
        said = (each.child_seen for each in self.entries if each.child_seen is not YesNoNotKnown.NOT_KNOWN)
        return next(said, YesNoNotKnown.NOT_KNOWN)

    @property
    def agencies(self) -> frozenset[str]:
        return frozenset(each.agency for each in self.entries)


@dataclass(frozen=True, slots=True)
class Line:
    """One event. Several statements stand side by side where agencies differ, and `differ` says in what."""

    statements: tuple[Statement, ...]
    differ: frozenset[Differ] = frozenset()

    @property
    def entries(self) -> Iterator[Entry]:
        return (entry for statement in self.statements for entry in statement.entries)

    @property
    def first(self) -> Entry:
        return self.statements[0].first

    @property
    def day(self) -> date:
        return self.first.day

    @property
    def at(self) -> time | None:
        """The earliest time that anybody gives."""
        return min((each.at for each in self.statements if each.at is not None), default=None)

    @property
    def kind(self) -> EntryKind:
        return self.first.kind

    @property
    def subjects(self) -> frozenset[str]:
        """Whom it is about: of what was joined, those that anybody names."""
        return frozenset[str]().union(*(each.subjects for each in self.entries))

    @property
    def agencies(self) -> frozenset[str]:
        return frozenset[str]().union(*(each.agencies for each in self.statements))

    @property
    def child_seen(self) -> YesNoNotKnown:
        """What is said of it, with `no` where agencies differ: a sighting in dispute closes no gap."""
        said = {each.child_seen for each in self.statements}
        return next((each for each in (YesNoNotKnown.NO, YesNoNotKnown.YES) if each in said), YesNoNotKnown.NOT_KNOWN)

    @property
    def place(self) -> tuple[object, ...]:
        """Where it stands: by day; of a day those with a time in its order, then those without; then by kind, agency
        and id."""
        return self.day, self.at is None, self.at or time.max, self.kind, self.first.agency, self.first.id
