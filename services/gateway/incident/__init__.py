"""The incident, pure: what follows from a proposal, from the notification's facts, and from time.

A file a rule: referral, triage, awareness, telling, linking, notification, ticking, correcting, recalling, subjects;
`clocks` states what changes.
"""

from contracts.agreements import ExclusionApproved, ExclusionEnded, ExclusionProposed
from contracts.corrections import IncidentCorrected, IncidentRecalled, SubjectsMerged, SubjectsSplit
from contracts.envelope import AnyEvent
from contracts.incidents import AwarenessCorrected, IncidentLinked, IncidentReferred, NotifiabilityDecided
from contracts.notifications import PartnerNotified
from services.gateway.incident.awareness import correct_awareness
from services.gateway.incident.correcting import correct
from services.gateway.incident.excluding import exclude
from services.gateway.incident.faults import fault
from services.gateway.incident.folding import evolve, hear
from services.gateway.incident.linking import link, needed
from services.gateway.incident.notification import on_notification
from services.gateway.incident.recalling import take_back
from services.gateway.incident.referral import refer
from services.gateway.incident.state import (
    DUTY,
    NOTHING_FILED,
    Awareness,
    ChildCase,
    Context,
    Filing,
    Incident,
    Status,
)
from services.gateway.incident.subjects import merge_or_split
from services.gateway.incident.telling import tell
from services.gateway.incident.ticking import schedule, tick
from services.gateway.incident.triage import triage
from shared.decider import Outcome, Refused

__all__ = [
    "DUTY",
    "NOTHING_FILED",
    "Awareness",
    "ChildCase",
    "Context",
    "Filing",
    "Incident",
    "Status",
    "decide",
    "evolve",
    "hear",
    "needed",
    "on_notification",
    "schedule",
    "tick",
]


def decide(incident: Incident | None, proposal: AnyEvent, context: Context) -> list[Outcome]:
    """The facts that follow from a proposal, deadlines included, in order. Raises Refused with every fault.

    An outcome without a subject belongs to the proposal's stream; linking names the stream of each.
    """
    data = proposal.data
    if isinstance(data, IncidentReferred):
        if incident is not None:
            detail = "This incident was referred already: refer anew without a subject, then link the two."
            raise Refused(fault("/subject", "referred-already", detail))
        return refer(proposal, data, context)
    if incident is None:
        raise Refused(fault("/subject", "not-found", "There is no such incident."))
    match data:
        case NotifiabilityDecided():
            return triage(incident, proposal, data, context)
        case AwarenessCorrected():
            return correct_awareness(incident, proposal, data, context)
        case IncidentLinked():
            return link(incident, proposal, data, context)
        case PartnerNotified():
            return tell(incident, data, context)
        case ExclusionProposed() | ExclusionApproved() | ExclusionEnded():
            return exclude(incident, proposal, data, context)
        case IncidentCorrected():
            return correct(incident, proposal, data, context)
        case IncidentRecalled():
            return take_back(incident, proposal, data, context)
        case SubjectsMerged() | SubjectsSplit():
            return merge_or_split(incident, proposal, data, context)
        case _:
            raise Refused(fault("/type", "not-proposable", "Its owner alone states this fact."))
