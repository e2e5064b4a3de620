"""An agency is listed, listed anew, or withdrawn. One person may, so nothing here may widen what anybody sees."""

from collections.abc import Iterator

from contracts.agreements import AgencyListed, AgencyWithdrawn
from contracts.codes import AgencyType
from contracts.directory import Directory
from contracts.submissions import Fault
from services.gateway.partnership.faults import fault, holds_duty, listed, refuse_if, still_somebody
from shared.decider import Outcome


def list_agency(directory: Directory, partnership: str, entry: AgencyListed) -> list[Outcome]:
    """The agency with the areas that it serves in this partnership. Raises Refused."""
    refuse_if(
        [
            *_same_everywhere(directory, partnership, entry),
            *_areas(directory, partnership, entry),
            *_no_wider(directory, partnership, entry),
        ]
    )
    return [Outcome(entry)]


def withdraw(directory: Directory, partnership: str, entry: AgencyWithdrawn) -> list[Outcome]:
    """The agency belongs here no more, and its agreement here ends. Raises Refused."""
    refuse_if(
        [
            *listed(directory, entry.agency, partnership),
            *holds_duty(directory, entry.agency, partnership),
            *still_somebody(directory, partnership, entry.agency),
        ]
    )
    return [Outcome(entry)]


def _same_everywhere(directory: Directory, partnership: str, entry: AgencyListed) -> Iterator[Fault]:
    """Its type decides what it may ever see, so it stays; the rest is changed by whoever listed it first."""
    known = directory.agencies.get(entry.agency)
    if known is None:
        return
    if entry.type is not known.type:
        detail = "An agency keeps the type under which it was listed; another agency needs another id."
        yield fault("/data/type", "type-stays", detail, known.type.value)
    if known.partnerships <= {partnership}:
        return
    theirs = {
        "name": (entry.name, known.name),
        "mailboxes": (dict(entry.mailboxes), dict(known.mailboxes)),
        "contacts": ({about.value: to for about, to in entry.contacts.items()}, dict(known.contacts)),
    }
    first = _first(directory, entry.agency)
    for name, (said, stands) in theirs.items():
        if said != stands and first != partnership:
            detail = "Another partnership lists this agency already: list it here as it stands there."
            yield fault(f"/data/{name}", "listed-elsewhere", detail, first)


def _first(directory: Directory, agency: str) -> str:
    """The partnership that listed the agency first."""
    since = {where: each.since for (who, where), each in directory.listings.items() if who == agency}
    return min(since, key=lambda where: (since[where], where))


def _areas(directory: Directory, partnership: str, entry: AgencyListed) -> Iterator[Fault]:
    """Whoever serves an area takes part in its incidents: so only the areas of the partnership that says so."""
    of = directory.partnerships[partnership].areas
    for number, area in enumerate(entry.areas):
        if area not in of:
            detail = "This area is not one of the partnership's."
            yield fault(f"/data/areas/{number}", "outside-the-partnership", detail, *sorted(of))
        elif entry.type is AgencyType.LOCAL_AUTHORITY:
            holder = directory.authorities.get(area)
            if holder is not None and holder.id != entry.agency:
                detail = "Another authority holds the duty in this area, and there is one an area."
                yield fault(f"/data/areas/{number}", "area-taken", detail)


def _no_wider(directory: Directory, partnership: str, entry: AgencyListed) -> Iterator[Fault]:
    place = (entry.agency, partnership)
    before = directory.listings.get(place)
    if before is None or place not in directory.agreements:
        return
    for number, area in enumerate(entry.areas):
        if area not in before.entry.areas:
            detail = "A wider area would widen its agreement, which needs two people: end the agreement first."
            yield fault(f"/data/areas/{number}", "agreement-in-force", detail, *sorted(before.entry.areas))
