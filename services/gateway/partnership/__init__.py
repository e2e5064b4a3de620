"""A partnership's stream, pure: which agencies belong to it, and under which sharing agreement.

What is decided depends on the whole directory, since one agency may belong to several partnerships.
"""

from contracts.agreements import (
    AgencyListed,
    AgencyWithdrawn,
    AgreementApproved,
    AgreementEnded,
    AgreementProposed,
)
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from services.gateway.partnership.agencies import list_agency, withdraw
from services.gateway.partnership.agreements import approve, end, propose
from services.gateway.partnership.faults import a_person, fault, known_partnership, refuse_if
from shared.decider import Context, Outcome, Refused


def decide(directory: Directory, proposal: AnyEvent, context: Context) -> list[Outcome]:
    """The fact that follows from a proposal about a partnership. Raises Refused with every fault."""
    refuse_if([*a_person(proposal), *known_partnership(directory, proposal)])
    match proposal.data:
        case AgencyListed() as entry:
            return list_agency(directory, proposal.partnership, entry)
        case AgencyWithdrawn() as entry:
            return withdraw(directory, proposal.partnership, entry)
        case AgreementProposed() as offered:
            return propose(directory, proposal.partnership, offered, context)
        case AgreementApproved() as approval:
            return approve(directory, proposal, approval)
        case AgreementEnded() as ended:
            return end(directory, proposal.partnership, ended)
        case _:
            raise Refused(fault("/type", "not-proposable", "Its owner alone states this fact."))
