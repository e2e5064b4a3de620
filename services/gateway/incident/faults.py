"""What every decision here refuses alike: what lies in the future, and awareness before the incident."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from services.gateway.incident.state import Context, Incident
from shared.decider import Refused
from shared.london import london_date

CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""A sender's clock may be ahead by so much before what it says lies in the future."""


def fault(pointer: str, rule: str, detail: str, *allowed: str) -> Fault:
    return Fault(pointer=pointer, rule=rule, detail=detail, allowed=allowed)


def refuse_if(faults: list[Fault]) -> None:
    """Raises Refused with every fault, if there is one."""
    if faults:
        raise Refused(*faults)


def in_the_future(pointer: str, at: datetime, context: Context) -> Iterator[Fault]:
    if at > context.now + CLOCKS_DIFFER_BY:
        yield fault(pointer, "in-the-future", "This lies in the future: record what has happened.")


def aware_too_soon(pointer: str, at: datetime, incident: Incident) -> Iterator[Fault]:
    """Nobody was aware of what had not happened yet (DOMAIN 3.1: becameAwareAt)."""
    before = london_date(at) < incident.occurred_from
    if before or (incident.occurred_at is not None and at < incident.occurred_at):
        detail = "Nobody can have been aware before the incident happened; correct one of the two."
        yield fault(pointer, "aware-before-incident", detail, f"from {incident.occurred_from.isoformat()}")


def not_for_this(incident: Incident, *, closed: bool = True) -> Iterator[Fault]:
    """A linked referral is decided on its lead; a closed one (if `closed`) no more."""
    if incident.linked_to:
        yield fault("/subject", "linked", "This referral was linked: record it on the lead incident, or undo the link.")
    if closed and incident.status == "closed":
        yield fault("/subject", "closed", "The incident is closed; a later finding is an amendment or a new referral.")


def not_the_authority(incident: Incident, proposal: AnyEvent, context: Context, *areas: str | None) -> Iterator[Fault]:
    """The authority of the place of the incident decides (Panel FAQ, DOMAIN T01); `areas` may besides."""
    allowed = {context.authority_of(area) for area in (incident.host, *areas) if area} - {None}
    if proposal.agency is not None and allowed and proposal.agency not in allowed:
        detail = "The authority in whose area it happened holds the duty, and decides."
        yield fault("/agency", "not-the-host", detail, *sorted(who for who in allowed if who))
