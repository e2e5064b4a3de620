"""Each partner decides for itself; with the third decision the review is commissioned and T09 runs.

Sources: DOMAIN 3.3, 4 (LCSPR), 4A item 7. Near misses and good practice need no rapid review (SUSSEX 1.1.2), and an
independent review can be commissioned at any time.
"""

from collections.abc import Iterator

from contracts.envelope import AnyEvent
from contracts.practice_reviews import PracticeReviewCommissioned, PracticeReviewDecided, PracticeReviewEnded
from contracts.review_codes import Basis, Partner
from contracts.submissions import Fault
from services.rapid_review.practice_review.faults import (
    fault,
    in_the_future,
    not_under_way,
    refuse_if,
)
from services.rapid_review.practice_review.rules import clocks_of
from services.rapid_review.practice_review.state import T09, Case, Context, Decided, PracticeReview
from shared.deadlines.reckoning import london_instant
from shared.decider import Outcome

NEEDS_NONE = tuple(basis.value for basis in Basis if basis is not Basis.RAPID_REVIEW)


def decide_to_initiate(
    state: PracticeReview, proposal: AnyEvent, data: PracticeReviewDecided, case: Case, context: Context
) -> list[Outcome]:
    """One partner's decision; before the third, a partner may decide anew. Raises Refused with every fault."""
    refuse_if([*_whether(state, data, case), *_when(data, case, context)])
    partner = case.partners[proposal.agency or ""]
    decided_on = data.decided_on or context.today
    decision = Outcome(data.model_copy(update={"partner": partner, "decided_on": decided_on}))
    decisions = {**state.decisions, partner: Decided(data.basis, decided_on)}
    if len(decisions) < len(Partner):
        return [decision]
    if len({each.basis for each in decisions.values()}) > 1:
        return [Outcome(decision.data, marks=("bases_differ",))]
    return [decision, *_commissioned(state, decisions, case, context)]


def _commissioned(
    state: PracticeReview, decisions: dict[Partner, Decided], case: Case, context: Context
) -> list[Outcome]:
    """Day 0 is the date that the last of the three decisions bears, never that of its keying in (4A items 4 and 7).

    An independent review that takes the place of one under way inherits its clock: nothing but publication meets it.
    """
    day0 = max(each.on for each in decisions.values())
    fact = PracticeReviewCommissioned(
        basis=next(iter(decisions.values())).basis,
        decided_on=day0,
        lead_authority=case.host_authority,
        co_signers=tuple(other for other in case.other_authorities if other != case.host_authority),
    )
    if state.running:
        return [Outcome(fact, marks=("clock_runs_on",))]
    clocks = clocks_of(state, case, context)
    clocks.set(T09, london_instant(day0))
    return [Outcome(fact), *clocks.outcomes]


def _whether(state: PracticeReview, data: PracticeReviewDecided, case: Case) -> Iterator[Fault]:
    if case.linked_to:
        detail = "This referral was linked: decide on the lead incident."
        yield fault("/subject", "linked", detail, case.linked_to)
    if state.running and data.basis is not Basis.INDEPENDENT:
        detail = "A practice review of this incident is under way; only an independent one can take its place."
        yield fault("/data/basis", "commissioned-already", detail, Basis.INDEPENDENT.value)
    if data.basis is Basis.RAPID_REVIEW and not case.rapid_review:
        detail = "There was no rapid review of this incident: give another basis."
        yield fault("/data/basis", "no-rapid-review", detail, *NEEDS_NONE)


def _when(data: PracticeReviewDecided, case: Case, context: Context) -> Iterator[Fault]:
    yield from in_the_future("/data/decidedOn", data.decided_on, context)
    if data.decided_on and case.occurred_from and data.decided_on < case.occurred_from:
        detail = "Nobody decided to review what had not happened yet."
        yield fault("/data/decidedOn", "before-the-incident", detail, f"from {case.occurred_from.isoformat()}")


def give_up(
    state: PracticeReview, proposal: AnyEvent, data: PracticeReviewEnded, case: Case, context: Context
) -> list[Outcome]:
    """It ends before it is published, with reasons; its clock ends too."""
    faults = [*not_under_way(state), *in_the_future("/data/panelToldAt", data.panel_told_at, context)]
    if state.publication:
        faults.append(fault("/type", "published-already", "It was published: it cannot be given up any more."))
    refuse_if(faults)
    marks = () if data.panel_told_at else ("panel_not_told",)
    clocks = clocks_of(state, case, context)
    clocks.cancel(T09, "not_needed")
    return [Outcome(data, marks=marks), *clocks.outcomes]
