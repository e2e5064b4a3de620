"""Who is shut out of an incident, folded from its approved facts. It wins over every agreement (DESIGN section 7)."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import PlainSerializer

from contracts.access import Matter
from contracts.agreements import ExclusionApproved, ExclusionBasis, ExclusionEnded

Names = Annotated[frozenset[str], PlainSerializer(sorted, return_type=list[str])]
Pairs = Annotated[frozenset[tuple[str, str]], PlainSerializer(sorted, return_type=list[tuple[str, str]])]


@dataclass(frozen=True)
class Exclusions:
    """Agencies and accounts that are shut out; `alleged` names the agency and account of each alleged perpetrator.

    Of an agency that is shut out whole the account is empty: it still meets the child in other incidents.
    The authority that holds the duty is never beside an alleged perpetrator: without the address it could not act.
    """

    agencies: Names = frozenset()
    people: Names = frozenset()
    alleged: Pairs = frozenset()

    def after(self, data: Any) -> "Exclusions":
        """After one more fact's data; any but an approval or an end changes nothing."""
        match data:
            case ExclusionApproved(agency=agency, person=None):
                return replace(self, agencies=self.agencies | {agency}, alleged=self.alleged | _side(data))
            case ExclusionApproved(person=str(person)):
                return replace(self, people=self.people | {person}, alleged=self.alleged | _side(data))
            case ExclusionEnded(agency=agency, person=None):
                return replace(self, agencies=self.agencies - {agency}, alleged=self.alleged - {(agency, "")})
            case ExclusionEnded(agency=agency, person=str(person)):
                return replace(self, people=self.people - {person}, alleged=self.alleged - {(agency, person)})
            case _:
                return self

    def on(self, matter: Matter) -> Matter:
        """The matter with these shut out of it."""
        return replace(matter, excluded_agencies=self.agencies, excluded_people=self.people, alleged=self.alleged)


def _side(data: ExclusionApproved) -> frozenset[tuple[str, str]]:
    side = data.basis is ExclusionBasis.ALLEGED_PERPETRATOR and not data.holds_duty
    return frozenset({(data.agency, data.person or "")} if side else ())


NOBODY = Exclusions()


def exclusions_of(matter: Matter) -> Exclusions:
    """Who is shut out of a matter."""
    return Exclusions(matter.excluded_agencies, matter.excluded_people, matter.alleged)
