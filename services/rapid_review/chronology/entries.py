"""What goes in: each agency's return with its entries, their words put back in the places of their references."""

from dataclasses import dataclass
from datetime import date, time

from contracts.codes import YesNoNotKnown
from contracts.review_codes import EntryKind


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of one agency. `event` is absent where the vault has erased it; `subjects` may be empty: not said."""

    id: str
    agency: str
    day: date
    event: str | None
    at: time | None = None
    kind: EntryKind = EntryKind.OTHER
    subjects: frozenset[str] = frozenset()
    child_seen: YesNoNotKnown = YesNoNotKnown.NOT_KNOWN
    voice_heard: bool = False
    key_episode: bool = False
    outside_scope: bool = False
    voice_of_the_child: str | None = None
    significance: str | None = None
    source_system: str | None = None
    practitioner_role: str | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """What one agency returned: its entries of a period, and what it says of the child's voice and identity."""

    agency: str
    entries: tuple[Entry, ...]
    scope_from: date
    scope_to: date
    nil: bool = False
    voice_of_the_child: str | None = None
    identity_considered: str | None = None

    def covers(self, day: date) -> bool:
        """Whether a day lies within the period that the agency was asked about."""
        return self.scope_from <= day <= self.scope_to
