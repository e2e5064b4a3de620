"""Publication: planned in a form, advance copies to the three, published when nothing is missing, available for a year.

Sources: DOMAIN 4A item 6 (T10), item 7 (T09), T11, WSSCP (the response is published with the report; reports must be
published: improvements only is a departure, with reasons).
"""

from collections.abc import Iterator
from datetime import date

from contracts.envelope import AnyEvent
from contracts.practice_reviews import (
    AdvanceCopyDelivered,
    PracticeReviewPublished,
    PracticeReviewUnpublished,
    PublicationPlanned,
)
from contracts.submissions import Fault
from services.rapid_review.practice_review.faults import (
    NATIONAL,
    fault,
    in_the_future,
    newest,
    no_draft,
    not_under_way,
    refuse_if,
)
from services.rapid_review.practice_review.guard import missing, too_soon
from services.rapid_review.practice_review.rules import available_until, clocks_of
from services.rapid_review.practice_review.state import T09, Case, Context, Draft, PracticeReview
from shared.deadlines.reckoning import MORNING, london_instant
from shared.decider import Outcome
from shared.london import london_date


def plan(
    state: PracticeReview, proposal: AnyEvent, data: PublicationPlanned, case: Case, context: Context
) -> list[Outcome]:
    """When and in which form; a later plan takes its place. One for which copies would come too late is marked."""
    refuse_if([*not_under_way(state)])
    if data.on < context.today:
        earliest = f"from {context.today.isoformat()}"
        refuse_if([fault("/data/on", "in-the-past", "Plan a day that is still to come.", earliest)])
    marks = ("too_soon_for_advance_copies",) if too_soon(data.on, state.draft, case, context) else ()
    return [Outcome(data, marks=marks)]


def deliver(
    state: PracticeReview, proposal: AnyEvent, data: AdvanceCopyDelivered, case: Case, context: Context
) -> list[Outcome]:
    """A recipient has a version: what has happened is taken, of an earlier version too, and marked."""
    refuse_if([*not_under_way(state), *_as_itself(proposal, data)])
    if state.draft is None:
        refuse_if([no_draft()])
    faults = [*in_the_future("/data/deliveredAt", data.delivered_at, context)]
    if data.version > state.numbered:
        faults.append(fault("/data/version", "no-such-version", "There is no such version.", str(state.numbered)))
    refuse_if([*faults, *_before_its_version(state, data)])
    return [Outcome(data, marks=tuple(_counts_for_nothing(newest(state), data)))]


def _counts_for_nothing(draft: Draft, data: AdvanceCopyDelivered) -> Iterator[str]:
    """Why a copy that was delivered does not meet T10: other content is published (DOMAIN 4A item 6)."""
    if data.version != draft.number:
        yield "not_the_newest"
    elif draft.lacks_response(london_date(data.delivered_at)):
        yield "without_the_response"


def _before_its_version(state: PracticeReview, data: AdvanceCopyDelivered) -> Iterator[Fault]:
    """A copy of an earlier version would count for this one, and T10 be met by what nobody had (DOMAIN 4A item 6)."""
    draft = newest(state)
    if data.version == draft.number and london_date(data.delivered_at) < draft.drafted_on:
        detail = "There was no such version on that day: name the one that was delivered, or correct the date."
        yield fault("/data/deliveredAt", "before-the-version", detail, f"from {draft.drafted_on.isoformat()}")


def _as_itself(proposal: AnyEvent, data: AdvanceCopyDelivered) -> Iterator[Fault]:
    own = NATIONAL.get(proposal.agency or "")
    if own is not None and data.recipient is not own:
        yield fault("/data/recipient", "another-recipient", "Say it of your own copy.", own.value)


def publish(
    state: PracticeReview, proposal: AnyEvent, data: PracticeReviewPublished, case: Case, context: Context
) -> list[Outcome]:
    """It is public, and T09 is met, if everything is there. Raises Refused with each thing that is missing."""
    refuse_if([*not_under_way(state)])
    refuse_if([*in_the_future("/data/on", data.on, context), *missing(state, data, case, context)])
    until = available_until(data.on, case, context)
    version = newest(state).number
    fact = data.model_copy(update={"version": version, "available_until": until})
    late = state.running_clock and state.due is not None and data.on > state.due
    clocks = clocks_of(state, case, context)
    if state.running_clock:  # publication has a date and no time: any of that day says the same
        clocks.meet(T09, london_instant(data.on, MORNING), reason_given=bool(state.delays))
    marks = ("delay_not_notified",) if late and not state.delays else ()
    return [Outcome(fact, marks=marks), *clocks.outcomes]


def unpublish(
    state: PracticeReview, proposal: AnyEvent, data: PracticeReviewUnpublished, case: Case, context: Context
) -> list[Outcome]:
    """It is taken from the public; refused within its year (T11)."""
    standing = _standing_until(state)
    if standing is None:
        refuse_if([fault("/type", "not-published", "It is not public.")])
    elif context.today < standing:
        detail = "It stays public for a year at least; a corrected version can be published in its place."
        refuse_if([fault("/type", "available-for-a-year", detail, f"from {standing.isoformat()}")])
    return [Outcome(data)]


def _standing_until(state: PracticeReview) -> date | None:
    """Until when what is public must be; None if nothing is."""
    if state.unpublished or not state.publications:
        return None
    return max(each.available_until for each in state.publications)
