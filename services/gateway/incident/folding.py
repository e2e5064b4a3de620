"""An incident from its facts: those of its own stream, and those that notifications states about it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from contracts.agreements import ExclusionApproved, ExclusionEnded, ExclusionProposed
from contracts.corrections import IncidentCorrected, IncidentRecalled, SubjectsMerged, SubjectsSplit
from contracts.deadlines import DeadlineSet, OfDeadline
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
from services.gateway.incident.folding_clocks import Changes, clock_changes
from services.gateway.incident.folding_corrections import child_case, correction, joining, occurred, recall
from services.gateway.incident.state import Awareness, Filing, Incident, OpenExclusion, Status, excluded_key


def evolve(incident: Incident | None, fact: AnyEvent) -> Incident:
    """The incident after one more fact. Raises ValueError for a stream that does not begin with its referral."""
    data = fact.data
    if isinstance(data, IncidentReferred):
        return _referred(fact, data)
    if incident is None:
        raise ValueError(f"{fact.type} before the incident was referred")
    if fact.name.startswith("notification."):
        return replace(incident, filing=hear(incident.filing, fact))
    version = fact.streamversion or incident.version + 1
    return replace(incident, **{**_changes(incident, fact, data), "version": version})


def _changes(incident: Incident, fact: AnyEvent, data: Any) -> Changes:
    """What a fact of the incident's own changes, so that the incident is copied once a fact."""
    match data:
        case NotifiabilityDecided(notifiable=False):
            awareness = _noted(incident, data.became_aware_at, "triage", fact)
            return {
                "status": Status.TRIAGED_NOT_NOTIFIABLE,
                "grounds": frozenset(),
                "awareness": awareness,
                "aware_at": data.became_aware_at,
            }
        case NotifiabilityDecided():
            return _triaged(incident, fact, data)
        case AwarenessCorrected(aware_at=at):
            return {"aware_at": at, "awareness": _noted(incident, at, "corrected", fact)}
        case IncidentLinked(twin=twin, lead=lead, undone=undone) if twin == incident.id:
            return {"linked_to": None if undone else lead}
        case IncidentLinked(twin=twin, undone=undone):
            return {"twins": incident.twins - {twin} if undone else incident.twins | {twin}}
        case IncidentClosed():
            return {"status": Status.CLOSED}
        case PartnerNotified(recipient=recipient, notified_at=at):
            first = min(at, incident.told.get(recipient, at))
            return {"told": {**incident.told, recipient: first}}
        case DeadlineSet(recipient=str(recipient)) if recipient in incident.left:
            return {**clock_changes(incident, fact, data), "left": incident.left - {recipient}}
        case OfDeadline():
            return clock_changes(incident, fact, data)
        case ExclusionProposed(basis=basis, lift=lift):
            awaits = OpenExclusion(basis, lift, fact.actor)
            return {"exclusions_open": {**incident.exclusions_open, excluded_key(data): awaits}}
        case ExclusionApproved() | ExclusionEnded():
            key = excluded_key(data)
            left = {other: awaits for other, awaits in incident.exclusions_open.items() if other != key}
            return {"exclusions": incident.exclusions.after(data), "exclusions_open": left}
        case IncidentCorrected():
            return correction(incident, data)
        case IncidentRecalled(event=event):
            return {"recalled": {**incident.recalled, event: recall(incident.recalled.get(event), fact, data)}}
        case SubjectsMerged() | SubjectsSplit():
            return {"joined": joining(incident, data, apart=isinstance(data, SubjectsSplit))}
        case _:
            return {}


def _referred(fact: AnyEvent, data: IncidentReferred) -> Incident:
    told = data.authority_told_at or fact.recordedtime or fact.time
    return Incident(
        id=fact.subject or "",
        version=fact.streamversion or 1,
        partnership=fact.partnership,
        nature=data.nature,
        abuse_or_neglect=data.abuse_or_neglect,
        **occurred(data.occurrence),
        host=data.host_authority,
        home=data.home_authority,
        placing=data.placing_authority,
        other_areas=data.other_areas_to_notify,
        children=tuple(map(child_case, data.children)),
        subjects=tuple(child.subject for child in data.children if child.subject),
        referrers=frozenset({fact.agency} if fact.agency else ()),
        incidentref=fact.incidentref,
        opened_at=fact.recordedtime or fact.time,
        told_at=told,
        aware_at=told,
        awareness=(Awareness(told, "referral", fact.id),),
    )


def _triaged(incident: Incident, fact: AnyEvent, data: NotifiabilityDecided) -> Changes:
    """DOMAIN 4A item 2: on reopening, or for a ground added, the original instant counts if it showed both."""
    first = incident.status is Status.REFERRED
    because = "triage" if first else "reopened"
    original = not first and data.earlier_awareness_showed_both is not False
    return {
        "status": Status.TRIAGED_NOTIFIABLE,
        "grounds": data.grounds,
        "aware_at": incident.aware_at if original else data.became_aware_at,
        "awareness": _kept_last(incident, data.became_aware_at, because, fact, keep_original=original),
    }


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
