"""What time makes of an incident's clocks."""

from collections.abc import Mapping
from datetime import datetime

from services.gateway.incident.clocks import Clocks
from services.gateway.incident.state import DUTY, Context, Incident
from shared.deadlines import next_instants, ticked
from shared.decider import Outcome


def tick(incident: Incident, context: Context, awaiting: bool) -> list[Outcome]:
    """Every clock counted again if the calendar changed, then at most one notice of how each stands now.

    `awaiting`: a submission that arrived in time has no verdict yet.
    """
    return ticked(Clocks(incident, context), incident.clocks, context, DUTY if awaiting else ())


def schedule(incident: Incident, context: Context) -> Mapping[str, datetime]:
    """When each running clock next has something to say."""
    return next_instants(incident.running, context)
