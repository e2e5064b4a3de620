"""What the notification's own facts do to the incident's clocks. They come on another topic: in any interleaving.

An accepted submission beats a crossing "not notifiable"; withdrawal is then the remedy.
"""

from dataclasses import replace
from datetime import datetime

from contracts.codes import Ground
from contracts.envelope import AnyEvent
from contracts.incidents import IncidentClosed
from contracts.notifications import (
    NotificationAmended,
    NotificationClosed,
    NotificationDelayExplained,
    NotificationSubmitted,
    NotificationWithdrawn,
)
from services.gateway.incident.clocks import Clocks, duties, wanted
from services.gateway.incident.folding import evolve
from services.gateway.incident.state import FROM_AWARENESS, Context, Incident, Status
from shared.decider import Outcome


def on_notification(incident: Incident, fact: AnyEvent, context: Context) -> list[Outcome]:
    """The facts that follow; none from one that was heard before. `incident` is as it was before this fact.

    What became of a linked referral's notification counts for its lead: those outcomes name the lead as subject.
    """
    heard = evolve(incident, fact)
    if heard.filing == incident.filing:
        return []
    lead = context.related.get(incident.linked_to or "")
    if lead is not None:
        counted = _follows(replace(lead, filing=heard.filing), fact, context)
        return [replace(outcome, subject=lead.id) for outcome in counted]
    return _follows(heard, fact, context)


def _follows(incident: Incident, fact: AnyEvent, context: Context) -> list[Outcome]:
    clocks = Clocks(incident, context)
    match fact.data:
        case NotificationSubmitted(portal_time=at, grounds=grounds):
            _filed(clocks, grounds or incident.grounds, at)
        case NotificationAmended(portal_time=at, content=content):
            _amended(clocks, content.grounds, at, content.became_aware_at)
        case NotificationDelayExplained():
            for key in sorted(incident.awaiting_reason):
                met_at = clocks[key].met_at
                if met_at is not None:
                    clocks.meet(key, met_at)
        case NotificationWithdrawn():
            for deadline in list(incident.running):
                if deadline.rule.id in FROM_AWARENESS:
                    clocks.cancel(deadline.key, "withdrawn")
        case NotificationClosed(why="review_closed" | "no_review_follows" | "withdrawn"):
            if incident.status is not Status.CLOSED:
                return [Outcome(IncidentClosed(why="notification_closed"))]
    return clocks.outcomes


def _filed(clocks: Clocks, grounds: frozenset[Ground], at: datetime) -> None:
    """The portal's time meets what the grounds filed call for; told again with another time, it is judged again."""
    incident = clocks.incident
    if incident.status is Status.TRIAGED_NOT_NOTIFIABLE and incident.filing.stands:
        for key in wanted(incident, grounds, clocks.context):
            if not clocks.runs(key):
                clocks.set(key, incident.aware_at)
            clocks.meet_if_told(key)
    for key in duties(grounds):
        if not clocks.runs(key):
            clocks.set(key, incident.aware_at)
        if clocks.runs(key):
            clocks.meet(key, at, reason_given=incident.filing.delay_explained)


def _amended(clocks: Clocks, grounds: frozenset[Ground], at: datetime, aware_at: datetime) -> None:
    """A ground that it adds starts its clock, met by the amendment's own portal time (DOMAIN 4A items 2 and 10)."""
    incident = clocks.incident
    explained = incident.filing.delay_explained
    for key in wanted(incident, grounds, clocks.context):
        if not clocks.runs(key):
            clocks.set(key, aware_at)
            clocks.meet_if_told(key)
    for key in duties(grounds):
        if clocks.runs(key) and clocks[key].met_at is None:
            clocks.meet(key, at, reason_given=explained)
