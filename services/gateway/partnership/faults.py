"""What every decision about a partnership refuses alike."""

from collections.abc import Iterator

from contracts.codes import AgencyType
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from shared.decider import Refused


def fault(pointer: str, rule: str, detail: str, *allowed: str) -> Fault:
    return Fault(pointer=pointer, rule=rule, detail=detail, allowed=allowed)


def refuse_if(faults: list[Fault]) -> None:
    """Raises Refused with every fault, if there is one."""
    if faults:
        raise Refused(*faults)


def a_person(proposal: AnyEvent) -> Iterator[Fault]:
    if proposal.actor is None:
        yield fault("/actor", "needs-a-person", "People, not systems, decide who belongs and what is shared.")


def known_partnership(directory: Directory, proposal: AnyEvent) -> Iterator[Fault]:
    if proposal.partnership not in directory.partnerships:
        yield fault("/partnership", "not-established", "There is no such partnership.", *sorted(directory.partnerships))


def listed(directory: Directory, agency: str, partnership: str) -> Iterator[Fault]:
    if (agency, partnership) not in directory.listings:
        yield fault("/data/agency", "not-listed", "No such agency belongs to this partnership.", "agency.listed")


def holds_duty(directory: Directory, agency: str, partnership: str) -> Iterator[Fault]:
    """Without the authority of an area nobody could meet the duty to notify there (DOMAIN T01)."""
    of = directory.partnerships[partnership].areas
    known = directory.agencies.get(agency)
    if known and known.type is AgencyType.LOCAL_AUTHORITY and known.areas & of:
        detail = "It holds the duty to notify in this partnership; change it with a new version, or ask an operator."
        yield fault("/data/agency", "holds-the-duty", detail)
