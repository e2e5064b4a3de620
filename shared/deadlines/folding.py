"""A stream's clocks from the facts of the deadline family."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from contracts.deadlines import (
    DeadlineCancelled,
    DeadlineDueSoon,
    DeadlineMet,
    DeadlineMissed,
    DeadlineRecomputed,
    DeadlineSet,
    OfDeadline,
)
from contracts.envelope import AnyEvent
from shared.deadlines.facts import reckoning_of
from shared.deadlines.life import Deadline, DeadlineState, RuleVersion, first_instant, scheduled
from shared.working_days import Calendar

WEEKDAYS = Calendar("weekdays", date.min, date.max, {})
"""Facts do not carry the calendar. Folded with this one a clock never wakes too late; the tick knows better."""


def clock_after(before: Deadline | None, fact: AnyEvent, data: OfDeadline, start: datetime) -> Deadline | None:
    """A clock after one more of its facts. `start`: where one runs from that no calendar reaches, which no reckoning
    tells. None where nothing is known of the clock."""
    if isinstance(data, DeadlineSet):
        return _set(data, start)
    if before is None:
        return None
    match data:
        case DeadlineMissed():
            after = replace(before, state=DeadlineState.MISSED, last_notice=fact.recordedtime)
        case DeadlineDueSoon():
            after = replace(before, last_notice=fact.recordedtime)
        case DeadlineMet():
            after = _met(before, data)
        case DeadlineRecomputed():
            after = _recomputed(before, data, start)
        case DeadlineCancelled():
            after = replace(before, state=DeadlineState.CANCELLED, cancelled_because=data.because)
        case _:
            after = before
    return scheduled(after, WEEKDAYS)


def judged_after(judged: Mapping[str, str], fact: AnyEvent, data: OfDeadline) -> Mapping[str, str]:
    """By clock, the fact that last said missed or met, after one more of them; a clock set anew is not judged yet."""
    if isinstance(data, DeadlineMissed | DeadlineMet):
        return {**judged, data.clock: fact.id}
    if isinstance(data, DeadlineSet) and data.clock in judged:
        return {key: told for key, told in judged.items() if key != data.clock}
    return judged


def awaiting_after(awaiting: frozenset[str], data: OfDeadline) -> frozenset[str]:
    """The clocks whose delay nobody has explained yet."""
    if not isinstance(data, DeadlineMet):
        return awaiting
    others = awaiting - {data.clock}
    return others | {data.clock} if data.awaiting_reason else others


def _set(data: DeadlineSet, start: datetime) -> Deadline:
    reckoning = reckoning_of(data.reckoned) if data.reckoned else None
    running = DeadlineState.PROVISIONAL if data.provisional else DeadlineState.OPEN
    return Deadline(
        key=data.clock,
        rule=RuleVersion(data.rule, data.edition),
        recipient=data.recipient,
        started_at=reckoning.at if reckoning else start,
        working_days=reckoning.working_days if reckoning else 0,  # `Clocks` asks the rule again
        state=running if reckoning else DeadlineState.UNCOMPUTED,
        provisional=data.provisional,
        reckoning=reckoning,
        next_instant=first_instant(reckoning, WEEKDAYS) if reckoning else None,
        months=reckoning.months if reckoning else None,
    )


def _met(before: Deadline, data: DeadlineMet) -> Deadline:
    met = DeadlineState.MET_IN_TIME if data.in_time else DeadlineState.MET_LATE
    return replace(
        before,
        met_at=data.met_at,
        state=DeadlineState.UNCOMPUTED if data.due is None else met,
        working_days_late=data.working_days_late,
    )


def _recomputed(before: Deadline, data: DeadlineRecomputed, start: datetime) -> Deadline:
    reckoning = reckoning_of(data.reckoned) if data.reckoned else None
    state = before.state
    if not before.closed and before.met_at is None:
        running = DeadlineState.PROVISIONAL if data.provisional else DeadlineState.OPEN
        stays = state is DeadlineState.MISSED and reckoning is not None and reckoning.due == before.due
        state = DeadlineState.MISSED if stays else running
    if reckoning is None:
        state = DeadlineState.UNCOMPUTED
    return replace(
        before,
        reckoning=reckoning,
        started_at=reckoning.at if reckoning else start,
        working_days=reckoning.working_days if reckoning else 0,
        months=reckoning.months if reckoning else None,
        provisional=data.provisional,
        state=state,
    )
