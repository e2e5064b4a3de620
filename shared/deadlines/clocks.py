"""The clocks of one stream while a decision is made about them: each change is a fact of the deadline family.

Which clocks run, from when and for whom, its aggregate knows; this states what becomes of them.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from datetime import datetime
from typing import TypedDict

from contracts.deadlines import DeadlineCancelled, DeadlineMet, DeadlineRecomputed, DeadlineSet
from contracts.rules import Rule, Unit
from shared.deadlines.facts import named, reckoned
from shared.deadlines.life import (
    Deadline,
    DeadlineState,
    RuleVersion,
    cancel,
    correct,
    make_firm,
    meet,
    recompute,
    start,
)
from shared.decider import Context, Outcome

RuleFor = Callable[[str, datetime], Rule | None]
"""The edition of a rule that a clock from that instant runs under; None where nothing is asked."""


class Length(TypedDict):
    """How long a clock runs: working days, or calendar months and no working days."""

    working_days: int
    months: int | None


class Clocks:
    """The clocks as a decision leaves them, and the facts that say so, in order.

    `judged` names, by clock, the fact that last said missed or met; `awaiting_reason` are those whose delay nobody has
    explained yet (`shared.deadlines.folding` folds both).
    """

    def __init__(
        self,
        clocks: Mapping[str, Deadline],
        context: Context,
        rule_for: RuleFor,
        *,
        judged: Mapping[str, str],
        awaiting_reason: Set[str] = frozenset(),
    ) -> None:
        self.outcomes: list[Outcome] = []
        self._on = context
        self._rule_for = rule_for
        self._judged = judged
        self._awaiting = awaiting_reason
        self._now = {key: self._whole(deadline) for key, deadline in clocks.items()}

    def __getitem__(self, key: str) -> Deadline:
        return self._now[key]

    def runs(self, key: str) -> bool:
        """Whether the clock was set and not cancelled; a met one runs in this sense."""
        found = self._now.get(key)
        return found is not None and found.state is not DeadlineState.CANCELLED

    def set(self, key: str, at: datetime, *, provisional: bool = False) -> None:
        """Start a clock, or start one anew that has ended. Nothing happens where no rule is in force."""
        rule_id, _, recipient = key.partition(":")
        rule = self._rule_for(rule_id, at)
        if rule is None:
            return
        deadline = start(
            key=key,
            rule=RuleVersion(rule.id, rule.edition),
            at=at,
            **_length(rule),
            calendar=self._on.calendar,
            recipient=recipient or None,
            provisional=provisional,
        )
        self._now[key] = deadline
        late = deadline.reckoning is not None and self._on.now >= deadline.reckoning.late_from
        fact = DeadlineSet(
            **named(deadline),
            provisional=provisional,
            reckoned=reckoned(deadline.reckoning),
            uncomputed=deadline.reckoning is None,
            late_as_set=late,
        )
        marks = (*(("uncomputed",) if fact.uncomputed else ()), *(("late_as_set",) if late else ()))
        self.outcomes.append(Outcome(fact, marks=marks))

    def restart(self, key: str, at: datetime, because: str, *, firm: bool = False, reason: str | None = None) -> None:
        """Count from another instant, or make firm; what was met is judged again. Nothing for a cancelled clock."""
        before = self._now[key]
        after = (make_firm if firm else correct)(before, at, self._on.calendar)
        if (after.started_at, after.provisional) == (before.started_at, before.provisional):
            return
        self._recomputed(before, after, because, reason)

    def recompute(self, key: str) -> None:
        """Count again under the calendar as it is now, if that changes anything; closed clocks stay as they were."""
        before = self._now[key]
        after = recompute(before, self._on.calendar)
        if after is not None:
            self._recomputed(before, after, "calendar", None)

    def meet(self, key: str, at: datetime, *, reason_given: bool = True) -> None:
        """Done at an instant. Done again at a corrected one, or explained, it is judged again by a further fact."""
        before = self._now[key]
        after = meet(before, at, self._on.calendar)
        awaiting = after.state is DeadlineState.MET_LATE and not reason_given
        said = before.met_at is not None
        if said and before.met_at == at and awaiting == (key in self._awaiting):
            return
        self._met(before, after, awaiting=awaiting)

    def cancel(self, key: str, because: str) -> None:
        """End a clock that is not done; a met one stays met."""
        before = self._now[key]
        if before.done:
            return
        self._now[key] = cancel(before, because)
        self.outcomes.append(Outcome(DeadlineCancelled(**named(before), because=because)))

    def unexplained(self, deadline: Deadline) -> bool:
        """Whether a clock, found met late when it is judged again, awaits a reason. Its owner may know better."""
        return deadline.key in self._awaiting

    def _recomputed(self, before: Deadline, after: Deadline, because: str, reason: str | None) -> None:
        self._now[after.key] = after
        fact = DeadlineRecomputed(
            **named(after),
            because=because,
            provisional=after.provisional,
            before=reckoned(before.reckoning),
            reckoned=reckoned(after.reckoning),
            uncomputed=after.reckoning is None,
            reason=reason,
        )
        self.outcomes.append(Outcome(fact, marks=("uncomputed",) if fact.uncomputed else ()))
        verdict = (after.state, after.working_days_late, after.due)
        if after.met_at is not None and verdict != (before.state, before.working_days_late, before.due):
            late = after.state is DeadlineState.MET_LATE
            self._met(before, after, awaiting=late and self.unexplained(after))

    def _met(self, before: Deadline, after: Deadline, *, awaiting: bool) -> None:
        self._now[after.key] = after
        assert after.met_at is not None
        in_time = after.state is DeadlineState.MET_IN_TIME
        # A late one confirms the miss that was told; only one in time, or one judged before, corrects something.
        corrects = in_time or before.met_at is not None
        fact = DeadlineMet(
            **named(after),
            met_at=after.met_at,
            due=after.due,
            in_time=in_time,
            working_days_late=after.working_days_late,
            awaiting_reason=awaiting,
            corrects=self._judged.get(after.key) if corrects else None,
        )
        self.outcomes.append(Outcome(fact, time=after.met_at))

    def _whole(self, deadline: Deadline) -> Deadline:
        """A clock that no calendar reached was folded without its length: the rule has it."""
        if deadline.reckoning is not None:
            return deadline
        rule = self._rule_for(deadline.rule.id, deadline.started_at)
        return deadline if rule is None else replace(deadline, **_length(rule))


def _length(rule: Rule) -> Length:
    """Raises ValueError for a rule without a number."""
    if rule.unit is Unit.CALENDAR_MONTHS:
        return {"working_days": 0, "months": rule.length}
    return {"working_days": rule.counted, "months": None}
