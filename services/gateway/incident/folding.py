"""An incident from its facts: those of its own stream, and those that notifications states about it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
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
from contracts.incidents import (
    AwarenessCorrected,
    IncidentClosed,
    IncidentLinked,
    IncidentReferred,
    NotifiabilityDecided,
)
from contracts.notifications import (
    NotificationAmended,
    NotificationClosed,
    NotificationDelayExplained,
    NotificationSubmitted,
    NotificationWithdrawn,
    PartnerNotified,
)
from services.gateway.incident.state import Awareness, ChildCase, Filing, Incident, Status
from shared.clock import LONDON
from shared.deadlines import Deadline, DeadlineState, NotCounted, Reckoning, RuleVersion, scheduled
from shared.working_days import Calendar

WEEKDAYS = Calendar("weekdays", date.min, date.max, {})
"""Facts do not carry the calendar. Folded with this one a clock never wakes too late; the tick knows better."""


def evolve(incident: Incident | None, fact: AnyEvent) -> Incident:
    """The incident after one more fact. Raises ValueError for a stream that does not begin with its referral."""
    data = fact.data
    if isinstance(data, IncidentReferred):
        return _referred(fact, data)
    if incident is None:
        raise ValueError(f"{fact.type} before the incident was referred")
    if fact.name.startswith("notification."):
        return replace(incident, filing=hear(incident.filing, fact))
    folded = _folded(incident, fact, data)
    return replace(folded, version=fact.streamversion or incident.version + 1)


def _folded(incident: Incident, fact: AnyEvent, data: Any) -> Incident:
    match data:
        case NotifiabilityDecided(notifiable=False):
            awareness = _noted(incident, data.became_aware_at, "triage", fact)
            return replace(
                incident,
                status=Status.TRIAGED_NOT_NOTIFIABLE,
                grounds=frozenset(),
                awareness=awareness,
                aware_at=data.became_aware_at,
            )
        case NotifiabilityDecided():
            return _triaged(incident, fact, data)
        case AwarenessCorrected(aware_at=at):
            return replace(incident, aware_at=at, awareness=_noted(incident, at, "corrected", fact))
        case IncidentLinked(twin=twin, lead=lead, undone=undone) if twin == incident.id:
            return replace(incident, linked_to=None if undone else lead)
        case IncidentLinked(twin=twin, undone=undone):
            return replace(incident, twins=incident.twins - {twin} if undone else incident.twins | {twin})
        case IncidentClosed():
            return replace(incident, status=Status.CLOSED)
        case PartnerNotified(recipient=recipient, notified_at=at):
            first = min(at, incident.told.get(recipient, at))
            return replace(incident, told={**incident.told, recipient: first})
        case OfDeadline():
            return _clocked(incident, fact, data)
        case _:
            return incident


def _referred(fact: AnyEvent, data: IncidentReferred) -> Incident:
    told = data.authority_told_at or fact.recordedtime or fact.time
    occurrence = data.occurrence
    at = occurrence.at and datetime.combine(occurrence.date_from, occurrence.at, LONDON).astimezone(UTC)
    return Incident(
        id=fact.subject or "",
        version=fact.streamversion or 1,
        partnership=fact.partnership,
        nature=data.nature,
        abuse_or_neglect=data.abuse_or_neglect,
        occurred_from=occurrence.date_from,
        occurred_at=at or None,
        outside_england=occurrence.outside_england,
        normally_resident=occurrence.normally_resident is not False,
        host=data.host_authority,
        home=data.home_authority,
        placing=data.placing_authority,
        other_areas=data.other_areas_to_notify,
        children=tuple(
            ChildCase(child.age_at_incident, child.looked_after, child.care_leaver, child.placing_authority)
            for child in data.children
        ),
        subjects=tuple(child.subject for child in data.children if child.subject),
        referrers=frozenset({fact.agency} if fact.agency else ()),
        incidentref=fact.incidentref,
        opened_at=fact.recordedtime or fact.time,
        told_at=told,
        aware_at=told,
        awareness=(Awareness(told, "referral", fact.id),),
    )


def _triaged(incident: Incident, fact: AnyEvent, data: NotifiabilityDecided) -> Incident:
    """DOMAIN 4A item 2: on reopening, or for a ground added, the original instant counts if it showed both."""
    first = incident.status is Status.REFERRED
    because = "triage" if first else "reopened"
    original = not first and data.earlier_awareness_showed_both is not False
    return replace(
        incident,
        status=Status.TRIAGED_NOTIFIABLE,
        grounds=data.grounds,
        aware_at=incident.aware_at if original else data.became_aware_at,
        awareness=_kept_last(incident, data.became_aware_at, because, fact, keep_original=original),
    )


def _noted(incident: Incident, at: datetime, because: str, fact: AnyEvent) -> tuple[Awareness, ...]:
    return (*incident.awareness, Awareness(at, because, fact.id))


def _kept_last(
    incident: Incident, at: datetime, because: str, fact: AnyEvent, *, keep_original: bool
) -> tuple[Awareness, ...]:
    """Both instants are kept; the one that counts stands last."""
    if not keep_original:
        return _noted(incident, at, because, fact)
    if at == incident.own_aware_at:
        return incident.awareness
    *before, own = (entry for entry in incident.awareness if entry.because != "linked")
    linked = [entry for entry in incident.awareness if entry.because == "linked"]
    return (*before, Awareness(at, because, fact.id), own, *linked)


def _clocked(incident: Incident, fact: AnyEvent, data: OfDeadline) -> Incident:
    before = incident.clocks.get(data.clock)
    judged, awaiting, status, aware_at = incident.judged, incident.awaiting_reason, incident.status, incident.aware_at
    awareness = incident.awareness
    match data:
        case DeadlineSet():
            after: Deadline | None = _set(incident, data)
            judged = {key: event for key, event in judged.items() if key != data.clock}
            if status in (Status.TRIAGED_NOT_NOTIFIABLE, Status.CLOSED) and not incident.linked_to:
                # Only a submission that crossed the decision, or an amendment after the end, sets a clock here.
                status = Status.TRIAGED_NOTIFIABLE
        case DeadlineMissed():
            after = before and replace(before, state=DeadlineState.MISSED, last_notice=fact.recordedtime)
            judged = {**judged, data.clock: fact.id}
        case DeadlineDueSoon():
            after = before and replace(before, last_notice=fact.recordedtime)
        case DeadlineMet():
            after = before and _met(before, data)
            judged = {**judged, data.clock: fact.id}
            awaiting = awaiting | {data.clock} if data.awaiting_reason else awaiting - {data.clock}
        case DeadlineRecomputed():
            after = before and _recomputed(before, data, _start(incident, data))
            if data.because == "linked" and data.reckoned and data.reckoned.started_at != aware_at:
                aware_at = data.reckoned.started_at
                awareness = _noted(incident, aware_at, "linked", fact)
        case DeadlineCancelled():
            after = before and replace(before, state=DeadlineState.CANCELLED, cancelled_because=data.because)
        case _:
            after = before
    if after is None:
        return incident
    return replace(
        incident,
        clocks={**incident.clocks, data.clock: scheduled(after, WEEKDAYS)},
        judged=judged,
        awaiting_reason=awaiting,
        status=status,
        aware_at=aware_at,
        awareness=awareness,
    )


def _set(incident: Incident, data: DeadlineSet) -> Deadline:
    reckoned = data.reckoned
    running = DeadlineState.PROVISIONAL if data.provisional else DeadlineState.OPEN
    return Deadline(
        key=data.clock,
        rule=RuleVersion(data.rule, data.edition),
        recipient=data.recipient,
        started_at=reckoned.started_at if reckoned else _start(incident, data),
        working_days=reckoned.working_days if reckoned else 0,  # `Clocks` asks the rule again
        state=running if reckoned else DeadlineState.UNCOMPUTED,
        provisional=data.provisional,
        reckoning=reckoning_of(reckoned) if reckoned else None,
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


def hear(filing: Filing, fact: AnyEvent) -> Filing:
    """What is known of the notification after one more of its facts. One heard before changes nothing."""
    version = fact.streamversion or filing.version + 1
    if version <= filing.version:
        return filing
    heard = replace(filing, version=version)
    match fact.data:
        case NotificationSubmitted() as filed:
            return replace(
                heard,
                filed=heard.filed | {fact.id},
                portal_time=filed.portal_time,
                grounds=filed.grounds or heard.grounds,
                delay_explained=heard.delay_explained or filed.delay_reason is not None,
                ended=None,
            )
        case NotificationDelayExplained():
            return replace(heard, delay_explained=True)
        case NotificationAmended(content=content):
            return replace(
                heard,
                filed=heard.filed | {fact.id},
                grounds=content.grounds,
                delay_explained=heard.delay_explained or content.delay_reason is not None,
            )
        case NotificationWithdrawn():
            return replace(heard, withdrawn=True)
        case NotificationClosed(why=why):
            return replace(heard, ended=why)
        case _:
            return heard
