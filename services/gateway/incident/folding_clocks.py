"""The clocks of an incident from the facts of the deadline family, and what else those facts change in it."""

from datetime import datetime
from typing import Any

from contracts.deadlines import DeadlineRecomputed, DeadlineSet, OfDeadline
from contracts.envelope import AnyEvent
from services.gateway.incident.state import Awareness, Incident, Status
from shared.deadlines import awaiting_after, clock_after, judged_after

Changes = dict[str, Any]
"""Fields of an incident and what they become."""


def clock_changes(incident: Incident, fact: AnyEvent, data: OfDeadline) -> Changes:
    """What a fact of the deadline family changes in its incident."""
    after = clock_after(incident.clocks.get(data.clock), fact, data, _start(incident, data))
    if after is None:
        return {}
    changes: Changes = {
        "clocks": {**incident.clocks, data.clock: after},
        "judged": judged_after(incident.judged, fact, data),
        "awaiting_reason": awaiting_after(incident.awaiting_reason, data),
    }
    match data:
        case DeadlineSet() if incident.status in (Status.TRIAGED_NOT_NOTIFIABLE, Status.CLOSED):
            # Only a submission that crossed the decision, or an amendment after the end, sets a clock here.
            changes["status"] = Status.TRIAGED_NOTIFIABLE
        case DeadlineRecomputed(because="linked", reckoned=reckoned):
            if reckoned and reckoned.started_at != incident.aware_at:
                changes["aware_at"] = reckoned.started_at
                changes["awareness"] = (*incident.awareness, Awareness(reckoned.started_at, "linked", fact.id))
    return changes


def _start(incident: Incident, data: OfDeadline) -> datetime:
    """Where a clock runs from that no calendar reaches: its fact has no reckoning to tell it."""
    return incident.told_at if data.rule == "T05" else incident.aware_at
