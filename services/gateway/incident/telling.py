"""A partner, or another area, was told: each T02 clock is met by its own telling (DOMAIN 4A items 5 and 19)."""

from contracts.notifications import PartnerNotified
from services.gateway.incident.clocks import Clocks
from services.gateway.incident.faults import in_the_future, not_for_this, refuse_if
from services.gateway.incident.state import Context, Incident
from shared.decider import Outcome


def tell(incident: Incident, data: PartnerNotified, context: Context) -> list[Outcome]:
    """Told of by its area's code or by its own id, it is one recipient. Whoever has no clock is noted all the same."""
    refuse_if(
        [
            *not_for_this(incident, closed=False),
            *in_the_future("/data/notifiedAt", data.notified_at, context),
        ]
    )
    clocks = Clocks(incident, context)
    key = next((key for key in _keys(data.recipient, context) if key in incident.clocks), None)
    recipient = (clocks[key].recipient if key else None) or data.recipient
    told = data.model_copy(update={"recipient": recipient})
    first = min(data.notified_at, incident.told.get(recipient, data.notified_at))
    if key and clocks.runs(key) and clocks[key].met_at != first:
        clocks.meet(key, first)
    return [Outcome(told, marks=() if key else ("no_clock",)), *clocks.outcomes]


def _keys(recipient: str, context: Context) -> tuple[str, ...]:
    of_area = context.authority_of(recipient)
    return tuple(f"T02:{who}" for who in (recipient, of_area) if who)
