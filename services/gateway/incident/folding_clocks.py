"""The clocks of an incident from the facts of the deadline family."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from contracts.deadlines import (
    DeadlineCancelled,
    DeadlineDueSoon,
    DeadlineMet,
    DeadlineMissed,
    DeadlineRecomputed,
    DeadlineSet,
    OfDeadline,
    Reckoned,
)
from contracts.envelope import AnyEvent
from services.gateway.incident.state import Awareness, Incident, Status
from shared.deadlines import Deadline, DeadlineState, NotCounted, Reckoning, RuleVersion, first_instant, scheduled
from shared.working_days import Calendar

Changes = dict[str, Any]
"""Fields of an incident and what they become."""

WEEKDAYS = Calendar("weekdays", date.min, date.max, {})
"""Facts do not carry the calendar. Folded with this one a clock never wakes too late; the tick knows better."""


def clock_changes(incident: Incident, fact: AnyEvent, data: OfDeadline) -> Changes:
    """What a fact of the deadline family changes in its incident."""
    before = incident.clocks.get(data.clock)
    after, changes = before, Changes()
    match data:
        case DeadlineSet():
            after = _set(incident, data)
            if data.clock in incident.judged:
                changes["judged"] = {key: fact for key, fact in incident.judged.items() if key != data.clock}
            if incident.status in (Status.TRIAGED_NOT_NOTIFIABLE, Status.CLOSED):
                # Only a submission that crossed the decision, or an amendment after the end, sets a clock here.
                changes["status"] = Status.TRIAGED_NOTIFIABLE
        case DeadlineMissed():
            after = before and replace(before, state=DeadlineState.MISSED, last_notice=fact.recordedtime)
            changes["judged"] = {**incident.judged, data.clock: fact.id}
        case DeadlineDueSoon():
            after = before and replace(before, last_notice=fact.recordedtime)
        case DeadlineMet():
            after = before and _met(before, data)
            awaiting = incident.awaiting_reason - {data.clock}
            changes["awaiting_reason"] = awaiting | {data.clock} if data.awaiting_reason else awaiting
            changes["judged"] = {**incident.judged, data.clock: fact.id}
        case DeadlineRecomputed():
            after = before and _recomputed(before, data, _start(incident, data))
            if data.because == "linked" and data.reckoned and data.reckoned.started_at != incident.aware_at:
                at = data.reckoned.started_at
                changes["aware_at"] = at
                changes["awareness"] = (*incident.awareness, Awareness(at, "linked", fact.id))
        case DeadlineCancelled():
            after = before and replace(before, state=DeadlineState.CANCELLED, cancelled_because=data.because)
    if after is None:
        return {}
    if not isinstance(data, DeadlineSet):
        after = scheduled(after, WEEKDAYS)
    changes["clocks"] = {**incident.clocks, data.clock: after}
    return changes


def _set(incident: Incident, data: DeadlineSet) -> Deadline:
    reckoning = reckoning_of(data.reckoned) if data.reckoned else None
    running = DeadlineState.PROVISIONAL if data.provisional else DeadlineState.OPEN
    return Deadline(
        key=data.clock,
        rule=RuleVersion(data.rule, data.edition),
        recipient=data.recipient,
        started_at=reckoning.at if reckoning else _start(incident, data),
        working_days=reckoning.working_days if reckoning else 0,  # `Clocks` asks the rule again
        state=running if reckoning else DeadlineState.UNCOMPUTED,
        provisional=data.provisional,
        reckoning=reckoning,
        next_instant=first_instant(reckoning) if reckoning else None,
    )


def _met(before: Deadline, data: DeadlineMet) -> Deadline:
    met = DeadlineState.MET_IN_TIME if data.in_time else DeadlineState.MET_LATE
    return replace(
        before,
        met_at=data.met_at,
        state=DeadlineState.UNCOMPUTED if data.due is None else met,
        working_days_late=data.working_days_late,
    )


def _start(incident: Incident, data: OfDeadline) -> datetime:
    """Where a clock runs from that no calendar reaches: its fact has no reckoning to tell it."""
    return incident.told_at if data.rule == "T05" else incident.aware_at


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
        provisional=data.provisional,
        state=state,
    )


@lru_cache(maxsize=1024)  # the clocks of one awareness share their reckoning
def reckoning_of(reckoned: Reckoned) -> Reckoning:
    """The reckoning that a fact carries; the days that counted are those between that it does not name."""
    off = {entry.day for entry in reckoned.not_counted}
    between = (reckoned.due - reckoned.day0).days
    days = [reckoned.day0 + timedelta(days=number) for number in range(1, between + 1)]
    return Reckoning(
        at=reckoned.started_at,
        day0=reckoned.day0,
        working_days=reckoned.working_days,
        due=reckoned.due,
        late_from=reckoned.late_from,
        counted=tuple(day for day in days if day not in off),
        not_counted=tuple(NotCounted(entry.day, entry.why) for entry in reckoned.not_counted),
        calendar=reckoned.calendar,
    )
