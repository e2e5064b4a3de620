"""What corrections, recalls, merges and splits change in an incident."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from contracts.corrections import IncidentCorrected, IncidentRecalled, SubjectsOfTwo, wrong_recipients
from contracts.envelope import AnyEvent
from contracts.incidents import Child, Occurrence
from services.gateway.incident.folding_clocks import Changes
from services.gateway.incident.state import ChildCase, Incident, Recalled
from shared.london import LONDON


def occurred(occurrence: Occurrence) -> dict[str, Any]:
    """When and where it happened, as far as clocks and grounds depend on it."""
    at = occurrence.at and datetime.combine(occurrence.date_from, occurrence.at, LONDON).astimezone(UTC)
    return {
        "occurred_from": occurrence.date_from,
        "occurred_at": at or None,
        "outside_england": occurrence.outside_england,
        "normally_resident": occurrence.normally_resident is not False,
    }


def child_case(child: Child) -> ChildCase:
    """A child as far as the grounds depend on it."""
    return ChildCase(child.age_at_incident, child.looked_after, child.care_leaver, child.placing_authority)


def correction(incident: Incident, data: IncidentCorrected) -> Changes:
    """Each field that is said anew, and those taken back; who takes part no more."""
    changes: Changes = {"left": incident.left | frozenset(data.leaving)}
    told = {
        "nature": data.nature,
        "abuse_or_neglect": data.abuse_or_neglect,
        "home": data.home_authority,
        "placing": data.placing_authority,
        "other_areas": data.other_areas_to_notify,
    }
    changes |= {name: value for name, value in told.items() if value is not None}
    if data.occurrence is not None:
        changes |= occurred(data.occurrence)
    if data.children is not None:
        changes["children"] = tuple(map(child_case, data.children))
        changes["subjects"] = tuple(child.subject for child in data.children if child.subject)
    for name, field in (("homeAuthority", "home"), ("placingAuthority", "placing")):
        if name in data.cleared:
            changes[field] = None
    return changes


def recall(before: Recalled | None, fact: AnyEvent, data: IncidentRecalled) -> Recalled:
    """What is told of an event that was recalled: the recall that counts, and from whom it is taken."""
    if before is not None and data.recipients and not before.recipients:
        return before
    return Recalled(data.because, wrong_recipients(before.recipients if before else None, data.recipients), fact.id)


def joining(incident: Incident, data: SubjectsOfTwo, *, apart: bool) -> Mapping[str, frozenset[str]]:
    """Whom each subject of this incident is after a merge, or a split."""
    joined = dict(incident.joined)
    for own, incident_of, other in zip(data.subjects, data.incidents, reversed(data.subjects), strict=True):
        if incident_of == incident.id:
            known = joined.get(own, frozenset())
            joined[own] = known - {other} if apart else known | {other}
    return {own: others for own, others in joined.items() if others}
