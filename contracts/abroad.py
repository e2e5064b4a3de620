"""Which of its agreements an agency takes along into incidents of partnerships that it never belonged to. Pure.

It is the one that was agreed first, and no other while that stands: what a second partnership agrees or ends changes
nothing. Once it ends there is none, whatever others still stand, until two people approve another version of one: the
end is one person's act, and nobody may see more by it (decision record 9).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Turn:
    """A version of an agency's agreement came into force in a partnership (`agreed`), or its agreement there ended."""

    at: datetime
    partnership: str
    agreed: bool


def in_order(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """An agency's turns by time; those of one moment, as a bootstrap writes them, by partnership. Those of one
    partnership keep their own order."""
    return tuple(sorted(turns, key=lambda turn: (turn.at, turn.partnership)))


def taken_along(turns: Iterable[Turn]) -> str | None:
    """The partnership whose agreement counts abroad; None where none does. `turns` are in order."""
    counts: str | None = None
    for turn in turns:
        if turn.agreed and counts is None:
            counts = turn.partnership
        elif not turn.agreed and counts == turn.partnership:
            counts = None
    return counts
