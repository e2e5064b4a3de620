"""An event should not have been sent, or not to those who had it: a further fact says so, and the event is withheld."""

from collections.abc import Iterator

from contracts.corrections import IncidentRecalled
from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from services.gateway.incident.faults import fault, not_the_authority, refuse_if
from services.gateway.incident.state import Context, Incident
from shared.decider import Outcome


def take_back(incident: Incident, proposal: AnyEvent, data: IncidentRecalled, context: Context) -> list[Outcome]:
    """The recall; a closed or linked incident's too, since what was sent stays sent. Raises Refused."""
    refuse_if([*not_the_authority(incident, proposal, context), *_sense(incident, data, context)])
    return [Outcome(data)]


def _sense(incident: Incident, data: IncidentRecalled, context: Context) -> Iterator[Fault]:
    if data.event not in context.stated | incident.filing.filed:
        detail = "No such event was stated of this incident: name the fact's own id, as the timeline has it."
        yield fault("/data/event", "not-of-this-incident", detail)
    known = incident.recalled.get(data.event)
    from_all = known is not None and not known.recipients
    from_these = known is not None and bool(data.recipients) and known.recipients.issuperset(data.recipients)
    if from_all or from_these:
        yield fault("/data/event", "recalled-already", "It was recalled already, from all of these.")
    if context.authority_of(incident.host) in data.recipients:
        detail = "The authority that holds the duty is never a wrong recipient of its own incident."
        yield fault("/data/recipients", "holds-the-duty", detail)
