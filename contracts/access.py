"""One pure decision: the catalogue's ceiling, narrowed by the sharing agreement, narrowed by the person's role.

Deny by default; exclusion wins; what is not yours does not exist. Used for proposals, feeds, detail, console and
exports alike, so that what may be fetched and what is sent cannot drift apart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from contracts.catalogue import CATALOGUE, EventType, Proposer
from contracts.ceilings import EVERYTHING, NOTHING, PUBLISHED, Fields
from contracts.codes import AgencyType, Incidents, Role
from contracts.for_some import ForSome

__all__ = [
    "ABSENT",
    "GRANTED",
    "OPEN_TO_THE_ASKED",
    "Agreement",
    "Decision",
    "Incidents",
    "Matter",
    "Party",
    "concerns",
    "may_propose",
    "sees_addresses",
    "visible_fields",
]


@dataclass(frozen=True)
class Agreement:
    """A sharing agreement of one agency in one partnership: what it may propose and read, on which basis, until when.

    `fields` narrows a type's fields; a type that is not in it is narrowed by the ceiling alone.
    """

    agency: str
    partnership: str
    version: int
    legal_basis: str
    review_on: date
    may_propose: frozenset[str] = frozenset()
    may_read: frozenset[str] = frozenset()
    incidents: frozenset[Incidents] = frozenset()
    fields: Mapping[str, Fields] = field(default_factory=dict)
    proposed_by: str = ""
    approved_by: str = ""
    reads: Mapping[str, int] = field(default_factory=dict)
    """The major version in which the agency reads a type; today's where it says nothing."""
    hash: str = ""


@dataclass(frozen=True)
class Party:
    """Who asks: an agency's system, or a person of an agency in a role.

    `served` tells its areas by partnership; of an agency that is in one alone it may be left out.
    """

    agency: str
    agency_type: AgencyType
    areas: frozenset[str] = frozenset()
    person: str | None = None
    roles: frozenset[Role] = frozenset()
    served: frozenset[tuple[str, str]] = frozenset()

    def areas_in(self, partnership: str) -> frozenset[str]:
        """The areas that it serves there: what another partnership listed it for opens nothing here."""
        return frozenset(area for place, area in self.served if place == partnership) if self.served else self.areas


@dataclass(frozen=True)
class Matter:
    """What it is about: the incident as far as access depends on it. For the calendar, the partnership alone."""

    partnership: str
    referrers: frozenset[str] = frozenset()
    participants: frozenset[str] = frozenset()
    areas: frozenset[str] = frozenset()
    excluded_agencies: frozenset[str] = frozenset()
    excluded_people: frozenset[str] = frozenset()
    alleged: frozenset[tuple[str, str]] = frozenset()
    """Agency and account of each alleged perpetrator who is shut out: their agency's side never learns an address."""
    asked: frozenset[str] = frozenset()
    """Agencies that a review asks for what they know: that opens `OPEN_TO_THE_ASKED` to them, and nothing else."""


@dataclass(frozen=True)
class Decision:
    """Whether, and if not, by which rule: `absent` is answered 404, every other refusal 403."""

    allowed: bool
    rule: str = ""


_NO_CASES = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})
GRANTED = Decision(True)
ABSENT = Decision(False, "absent")
OPEN_TO_THE_ASKED = frozenset(
    entry.name for entry in CATALOGUE.values() if issubclass(entry.model, ForSome) or entry.ceiling is PUBLISHED
)
"""What is addressed to one agency (whoever shows it asks `ForSome.is_for` besides), and what is published."""


def may_propose(party: Party, name: str, agreement: Agreement | None, matter: Matter | None) -> Decision:
    """Whether a party may propose an event of a type. `matter` is None where the proposal opens a new incident."""
    entry = CATALOGUE.get(name)
    if entry is None or agreement is None or agreement.agency != party.agency:
        return Decision(False, "no-agreement")
    if matter is not None and not _open(party, name, agreement, matter):
        return ABSENT
    if not any(_fits(party, proposer) for proposer in entry.proposers):
        return Decision(False, "not-a-proposer")
    if name not in agreement.may_propose:
        return Decision(False, "not-in-agreement")
    return GRANTED


def _fits(party: Party, proposer: Proposer) -> bool:
    right_agency = proposer.agency in (None, party.agency_type)
    return right_agency and (proposer.role is None or proposer.role in party.roles)


def concerns(party: Party, agreement: Agreement, matter: Matter) -> bool:
    """Whether the matter is one that the agreement opens to this party. Exclusion wins over everything.

    An agreement of another partnership opens nothing but incidents in which the agency takes part.
    """
    if _barred(party, matter):
        return False
    if agreement.partnership != matter.partnership:
        # Partnerships are blind to each other, except where one's agency is a recorded participant (domain 1.4).
        return party.agency in matter.participants and Incidents.PARTICIPANT in agreement.incidents
    opened = {
        Incidents.OWN: party.agency in matter.referrers,
        Incidents.PARTICIPANT: party.agency in matter.participants,
        Incidents.AREA: bool(party.areas_in(agreement.partnership) & matter.areas),
    }
    return any(opened[scope] for scope in agreement.incidents)


def _barred(party: Party, matter: Matter) -> bool:
    if party.agency in matter.excluded_agencies or (party.person and party.person in matter.excluded_people):
        return True
    return bool(party.roles) and party.roles <= _NO_CASES


def _open(party: Party, name: str, agreement: Agreement, matter: Matter) -> bool:
    """Whether an event type of the matter is open: all of them to whom it concerns, a few to whom a review asks."""
    if concerns(party, agreement, matter):
        return True
    asked = name in OPEN_TO_THE_ASKED and party.agency in matter.asked and agreement.partnership == matter.partnership
    return asked and not _barred(party, matter)


def sees_addresses(party: Party, matter: Matter) -> bool:
    """Whether the party may learn where anybody lives or is: never an alleged perpetrator's side.

    Free text and documents can hold an address too, and nobody can promise that they do not.
    """
    return all(agency != party.agency for agency, _ in matter.alleged)


def visible_fields(party: Party, name: str, agreement: Agreement | None, matter: Matter) -> Fields | None:
    """The fields of an event's data that a party may see; None where the event does not exist for it.

    An agency's system sees by its kind; a person by kind and role, whichever shows less.
    """
    entry = CATALOGUE.get(name)
    if entry is None or agreement is None or agreement.agency != party.agency or name not in agreement.may_read:
        return None
    if matter.areas or matter.participants or matter.referrers:
        if not _open(party, name, agreement, matter):
            return None
    elif agreement.partnership != matter.partnership:
        return None
    return _narrowed(entry, party, agreement)


def _narrowed(entry: EventType, party: Party, agreement: Agreement) -> Fields | None:
    by_kind = entry.ceiling.agencies.get(party.agency_type)
    if by_kind is None:
        return None
    sight = by_kind & agreement.fields.get(entry.name, EVERYTHING)
    if party.person is not None:
        roles = [entry.ceiling.roles[role] for role in party.roles if role in entry.ceiling.roles]
        if not roles:
            return None
        sight &= _union(roles)
    return sight


def _union(several: Iterable[Fields]) -> Fields:
    """What at least one of the roles may see."""
    result = NOTHING
    for one in several:
        match result.all_but, one.all_but:
            case True, True:
                result = Fields(result.named & one.named, all_but=True)
            case True, False:
                result = Fields(result.named - one.named, all_but=True)
            case False, True:
                result = Fields(one.named - result.named, all_but=True)
            case _:
                result = Fields(result.named | one.named)
    return result
