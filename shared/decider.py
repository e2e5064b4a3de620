"""What an owner decides: pure functions over folded facts. `shared/recording.py` makes events of their outcomes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from contracts.envelope import AnyEvent
from contracts.sealing import Model
from contracts.submissions import Fault
from shared.working_days import Calendar

S = TypeVar("S")


class Refused(Exception):
    """The proposal cannot stand: every reason at once. The proposer can mend it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.rule for fault in faults))
        self.faults = faults


class Waiting(Exception):
    """Not yet: something that may still come must come first. Time mends it; `for_what` is told to the proposer."""

    def __init__(self, for_what: str) -> None:
        super().__init__(for_what)
        self.for_what = for_what


@dataclass(frozen=True)
class Context:
    """What a decision may know beside the past: the business time, and the calendar as this transaction reads it."""

    now: datetime
    calendar: Calendar


@dataclass(frozen=True)
class Outcome:
    """A fact that follows from a decision, before it is recorded.

    `time` is when it happened: that of its cause, unless given. `name` is needed only where a model serves several
    types. `marks` are told to the proposer though the proposal was accepted (`late`, `awaiting_reason`).
    """

    data: Model
    time: datetime | None = None
    subject: str | None = None
    name: str | None = None
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Aggregate(Generic[S]):
    """One kind of stream: how its state is folded, and what follows from a proposal.

    `decide` and `evolve` are pure. `decide` returns the outcomes, or raises `Refused` or `Waiting`.
    """

    initial: S
    decide: Callable[[S, AnyEvent, Context], Sequence[Outcome]]
    evolve: Callable[[S, AnyEvent], S]

    def fold(self, facts: Iterable[AnyEvent], state: S | None = None) -> S:
        """The state after these facts, from `state` or from the beginning."""
        folded = self.initial if state is None else state
        for fact in facts:
            folded = self.evolve(folded, fact)
        return folded
