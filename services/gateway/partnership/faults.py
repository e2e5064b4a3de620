"""What every decision about a partnership refuses alike."""

from collections.abc import Collection, Iterator

from contracts.codes import AgencyType
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from shared.decider import Refused

NEEDED_TO_AGREE = frozenset({"agreement.proposed", "agreement.approved"})


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


def still_somebody(
    directory: Directory, partnership: str, agency: str, may_propose: Collection[str] | None = None
) -> Iterator[Fault]:
    """A partnership in which nobody may agree anything any more could be mended by an operator alone.

    `may_propose` is what the agency would be left with, None where it would have no agreement. Asked when one is
    approved too: since it was proposed, the others may have lost it.
    """
    others = (
        agreement
        for (other, where), agreement in directory.agreements.items()
        if where == partnership and other != agency
    )
    now = directory.agreements.get((agency, partnership))
    could = now is not None and now.may_propose >= NEEDED_TO_AGREE
    able = any(agreement.may_propose >= NEEDED_TO_AGREE for agreement in others)
    if could and not able and not set(may_propose or ()) >= NEEDED_TO_AGREE:
        detail = "Nobody else here may agree anything: leave these to this agency, or give them to another first."
        at = "/data/agency" if may_propose is None else "/data/mayPropose"
        yield fault(at, "nobody-left", detail, *sorted(NEEDED_TO_AGREE))
