"""Somebody is shut out of an incident, or let in again: proposed by one person, approved by another (DESIGN 7)."""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.agreements import ExclusionApproved, ExclusionEnded, ExclusionProposed
from contracts.envelope import AnyEvent
from contracts.submissions import Fault
from services.gateway.incident.faults import fault, refuse_if
from services.gateway.incident.state import Context, Incident, OpenExclusion, excluded_key
from shared.decider import Outcome

Exclusion = ExclusionProposed | ExclusionApproved | ExclusionEnded


@dataclass(frozen=True)
class _Case:
    """A proposal about one exclusion, and what is known that decides it."""

    incident: Incident
    by: str | None
    of: str | None
    within: str
    data: Exclusion
    authority: str | None

    @property
    def stands(self) -> bool:
        """Whether the one it is about is shut out now."""
        shut_out = self.incident.exclusions
        if self.data.person is None:
            return self.data.agency in shut_out.agencies
        return self.data.person in shut_out.people

    @property
    def awaits(self) -> OpenExclusion | None:
        """What was proposed about the same one, and awaits a second person."""
        return self.incident.exclusions_open.get(excluded_key(self.data))


def exclude(incident: Incident, proposal: AnyEvent, data: Exclusion, context: Context) -> list[Outcome]:
    """The fact, for this incident and those it is linked to. Raises Refused."""
    case = _Case(
        incident, proposal.actor, proposal.agency, proposal.partnership, data, context.authority_of(incident.host)
    )
    refuse_if([*_a_person(case), *_duty(case)])
    refuse_if(list(_own_side(case)))
    if isinstance(data, ExclusionProposed):
        refuse_if(list(_proposable(case, data)))
        return [Outcome(data)]
    refuse_if(list(_approvable(case, data, lift=isinstance(data, ExclusionEnded))))
    said = data
    if isinstance(data, ExclusionApproved):
        said = data.model_copy(update={"holds_duty": data.agency == case.authority})
    return [Outcome(said), *(Outcome(said, subject=name) for name in sorted(_linked(incident, context)))]


def _linked(incident: Incident, context: Context) -> frozenset[str]:
    """Whoever may not see one referral of an incident may not see the others either."""
    return frozenset(context.related) - {incident.id}


def _a_person(case: _Case) -> Iterator[Fault]:
    if case.by is None:
        yield fault("/actor", "needs-a-person", "One person proposes that somebody is shut out, another approves.")


def _duty(case: _Case) -> Iterator[Fault]:
    if case.data.person is None and case.data.agency == case.authority:
        detail = "This authority holds the duty: only persons of it can be shut out, so that the duty can be done."
        yield fault("/data/person", "holds-the-duty", detail)


def _own_side(case: _Case) -> Iterator[Fault]:
    """Told alone, before what else is wrong: that would say whether somebody had proposed it, and on which basis."""
    decided_on = case.data.agency == case.of if case.data.person is None else case.data.person == case.by
    if decided_on:
        yield fault("/actor", "own-side", "Nobody decides about their own side; ask another agency's people.")


def _proposable(case: _Case, data: ExclusionProposed) -> Iterator[Fault]:
    if data.lift and not case.stands:
        yield fault("/data/lift", "not-excluded", "Nobody is shut out here under that name.")
    if not data.lift and case.stands:
        yield fault("/data/agency", "excluded-already", "It is so already; `lift` proposes to end it.")
    if case.awaits is not None:
        detail = "The same awaits a second person already."
        yield fault("/data/agency", "proposed-already", detail, _next(lift=case.awaits.lift))


def _approvable(case: _Case, data: ExclusionApproved | ExclusionEnded, *, lift: bool) -> Iterator[Fault]:
    awaits = case.awaits
    if awaits is None or awaits.lift != lift:
        detail = "Nobody has proposed this; a second person says it once it was."
        yield fault("/data/agency", "not-proposed", detail, "exclusion.proposed")
        return
    if case.within != case.incident.partnership:
        detail = "Who is shut out of an incident is decided in its own partnership."
        yield fault("/partnership", "not-the-partnership", detail, case.incident.partnership)
    if case.by == awaits.by:
        yield fault("/actor", "same-person", "Another person than the proposer approves.")
    if data.basis is not awaits.basis:
        yield fault("/data/basis", "differs-from-proposed", "Approve what was proposed.", awaits.basis.value)


def _next(*, lift: bool) -> str:
    return "exclusion.ended" if lift else "exclusion.approved"
