"""The authority knew at another time than was recorded: the earlier instant stays, the clocks are judged anew."""

from contracts.envelope import AnyEvent
from contracts.incidents import AwarenessCorrected
from services.gateway.incident.clocks import Clocks
from services.gateway.incident.faults import (
    aware_too_soon,
    fault,
    in_the_future,
    not_for_this,
    not_the_authority,
    refuse_if,
)
from services.gateway.incident.linking import earliest
from services.gateway.incident.state import FROM_AWARENESS, Context, Incident
from shared.decider import Outcome


def correct_awareness(
    incident: Incident, proposal: AnyEvent, data: AwarenessCorrected, context: Context
) -> list[Outcome]:
    """A met or missed clock is judged again by a further fact (DOMAIN 4A item 10), a closed incident's too."""
    faults = [
        *not_for_this(incident, closed=False),
        *not_the_authority(incident, proposal, context),
        *in_the_future("/data/awareAt", data.aware_at, context),
        *aware_too_soon("/data/awareAt", data.aware_at, incident),
    ]
    if data.aware_at == incident.own_aware_at:
        faults.append(fault("/data/awareAt", "recorded-already", "This is the awareness that stands recorded."))
    refuse_if(faults)
    clocks = Clocks(incident, context)
    aware_at = earliest(incident, data.aware_at, context)
    for key, deadline in incident.clocks.items():
        if deadline.rule.id in FROM_AWARENESS and clocks.runs(key) and deadline.started_at == incident.aware_at:
            clocks.restart(key, aware_at, "awareness", reason=data.reason)
    return [Outcome(data), *clocks.outcomes]
