"""What of a review a caller may see: the one decision of `contracts.access`, fact by fact. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from contracts.access import Matter, Party, sees_addresses, visible_fields
from contracts.ceilings import EVERYTHING, Fields
from contracts.codes import AgencyType, Role
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from contracts.for_some import ForSome
from contracts.matters import incidents_of
from services.rapid_review.dossier import Dossier
from services.rapid_review.review import Review
from services.rapid_review.surroundings import host_of


@dataclass(frozen=True)
class Looker:
    """Who looks at an incident's reviews. `partnerships` are those that the token gives; `asked` the agencies that the
    rapid review asks; `others` further incidents' matters, as far as they are known here."""

    party: Party
    partnerships: frozenset[str]
    directory: Directory
    dossier: Dossier
    asked: frozenset[str] = frozenset()
    others: Mapping[str, Matter] = field(default_factory=dict)

    @property
    def matter(self) -> Matter:
        """The incident as far as access depends on it."""
        known = self.dossier.matter or Matter(self.dossier.case.partnership)
        return replace(known, asked=self.asked)

    @property
    def authority(self) -> str | None:
        """The agency that holds the duty."""
        return host_of(self.dossier.case, self.directory)

    @property
    def of_authority(self) -> bool:
        return self.party.agency == self.authority

    @property
    def learns_addresses(self) -> bool:
        """Whether words may be shown that could say where somebody is."""
        return sees_addresses(self.party, self.matter)

    def sees(self, name: str, matter: Matter | None = None) -> Fields | None:
        """The fields of an event type that exist for this party; None for a type that does not."""
        about = matter or self.matter
        if not (about.areas or about.participants or about.referrers):
            return None  # its referral is not known here yet: nobody can tell whom it concerns
        agreement = self.directory.agreement_on(self.party.agency, about)
        if agreement is None or agreement.partnership not in self.partnerships:
            return None
        return visible_fields(self.party, name, agreement, about)

    def sees_fact(self, fact: AnyEvent) -> Fields | None:
        """The fields of one fact: entitled to every incident that it tells of, told of it, and not taken back."""
        if self._withheld(fact.id):
            return None
        if isinstance(fact.data, ForSome) and not fact.data.is_for(self.party.agency, self.authority):
            return None
        seen = EVERYTHING
        for incident in incidents_of(fact) | {self.dossier.incident}:
            matter = self.matter if incident == self.dossier.incident else self.others.get(incident)
            found = self.sees(fact.name, matter) if matter else None
            if found is None:
                return None
            seen &= found
        return seen

    def _withheld(self, fact: str) -> bool:
        wrong = self.dossier.recalled.get(fact)
        return wrong is not None and not self.of_authority and (not wrong or self.party.agency in wrong)


def asked_in(state: Review) -> frozenset[str]:
    """The agencies that a review asks."""
    return frozenset(request.agency for request in state.requests.values())


def visible(looker: Looker, facts: Iterable[AnyEvent]) -> list[tuple[AnyEvent, Fields]]:
    """The facts that exist for whoever looks, each with its fields."""
    found = ((fact, looker.sees_fact(fact)) for fact in facts)
    return [(fact, seen) for fact, seen in found if seen is not None]


CHECKERS = frozenset({Role.BUSINESS_UNIT, Role.APPROVER, Role.PARTNER})


def checks_redaction(looker: Looker) -> bool:
    """Whether somebody may be shown what stands where in a draft: who may check it, in person."""
    kinds = (AgencyType.LOCAL_AUTHORITY, AgencyType.ICB, AgencyType.POLICE_FORCE)
    in_part = looker.party.person is not None and bool(looker.party.roles & CHECKERS)
    return in_part and looker.party.agency_type in kinds and looker.sees("redaction.checked") is not None
