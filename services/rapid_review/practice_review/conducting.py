"""How the review is carried out: its scope and scale, who leads it, whom it involves, how the partners watch it, and
what becomes of a delay.

Sources: DOMAIN 3.3; SI 2018/789 regulation 14 (monitoring); SUSSEX (reasons for any delay are notified).
"""

from collections.abc import Iterator
from uuid import UUID, uuid5

from contracts.envelope import AnyEvent
from contracts.practice_reviews import (
    DelayNotified,
    InvolvementRecorded,
    PracticeReviewMonitored,
    PracticeReviewPaused,
    PracticeReviewResumed,
    PracticeReviewScoped,
    ReviewerAppointed,
    ReviewerRemoved,
)
from contracts.reviews import LearningNoted
from contracts.submissions import Fault
from services.rapid_review.practice_review.faults import (
    fault,
    in_the_future,
    not_under_way,
    refuse_if,
)
from services.rapid_review.practice_review.rules import clocks_of
from services.rapid_review.practice_review.state import T09, Case, Context, PracticeReview
from shared.decider import Outcome

_REVIEWERS = UUID("0b0d8a4e-7d0c-4a34-9a53-9f8c3c2f6f11")


def scope(state: PracticeReview, data: PracticeReviewScoped, context: Context) -> list[Outcome]:
    """Terms of reference and scale; later ones take their place."""
    refuse_if([*not_under_way(state), *_over(state), *in_the_future("/data/scopeFrom", data.scope_from, context)])
    return [Outcome(data)]


def appoint(state: PracticeReview, proposal: AnyEvent, data: ReviewerAppointed, case: Case) -> list[Outcome]:
    """A reviewer who works for no agency that is involved. The id follows from the proposal."""
    refuse_if([*not_under_way(state), *_over(state), *_independent(data.works_for, case)])
    reviewer = f"reviewer-{uuid5(_REVIEWERS, f'{proposal.source} {proposal.id}').hex}"
    return [Outcome(data.model_copy(update={"reviewer": reviewer}))]


def remove(state: PracticeReview, data: ReviewerRemoved) -> list[Outcome]:
    """A reviewer leads it no more, with the reason."""
    faults = [*not_under_way(state)]
    if data.reviewer not in state.standing:
        detail = "This person does not lead the review: name one who does."
        faults.append(fault("/data/reviewer", "not-appointed", detail, *sorted(state.standing)))
    refuse_if(faults)
    return [Outcome(data)]


def _independent(works_for: str | None, case: Case) -> Iterator[Fault]:
    if works_for in case.involved:
        detail = "A reviewer is independent: appoint somebody who works for no agency that is involved in this case."
        yield fault("/data/worksFor", "not-independent", detail)


def no_longer_independent(state: PracticeReview, case: Case) -> Iterator[Fault]:
    """An agency can be drawn into a case after one of its people was appointed."""
    for name, reviewer in state.standing.items():
        if reviewer.works_for in case.involved:
            detail = "This reviewer's agency has become involved in the case: remove them, and appoint another."
            yield fault("/data/report", "not-independent", detail, name)


def monitor(state: PracticeReview, proposal: AnyEvent, data: PracticeReviewMonitored, case: Case) -> list[Outcome]:
    """The partners looked at its time and quality, and may have asked for information or a draft."""
    refuse_if([*not_under_way(state)])
    return [Outcome(data)]


def involve(state: PracticeReview, data: InvolvementRecorded, context: Context) -> list[Outcome]:
    """An invitation or its outcome, each on its day."""
    refuse_if([*not_under_way(state), *in_the_future("/data/on", data.on, context)])
    return [Outcome(data)]


def notify_delay(state: PracticeReview, data: DelayNotified, case: Case, context: Context) -> list[Outcome]:
    """Its reasons, and when the Panel and the Secretary of State were told; who was not yet told is marked.

    Of a review that was published late before its reasons were given, the clock is judged again.
    """
    faults = [
        *not_under_way(state),
        *in_the_future("/data/panelToldAt", data.panel_told_at, context),
        *in_the_future("/data/secretaryOfStateToldAt", data.secretary_of_state_told_at, context),
    ]
    if state.due and data.expected_on and data.expected_on <= state.due:
        detail = "Expected by its due day, it is not delayed."
        faults.append(fault("/data/expectedOn", "not-late", detail, f"after {state.due.isoformat()}"))
    refuse_if(faults)
    untold = {"panel_not_told": data.panel_told_at, "secretary_of_state_not_told": data.secretary_of_state_told_at}
    marks = tuple(mark for mark, told_at in untold.items() if told_at is None)
    clocks = clocks_of(state, case, context)
    if T09 in state.awaiting_reason and (met_at := state.clocks[T09].met_at):
        clocks.meet(T09, met_at)
    return [Outcome(data, marks=marks), *clocks.outcomes]


def pause(state: PracticeReview, data: PracticeReviewPaused) -> list[Outcome]:
    """Work rests; the clock does not."""
    faults = [*not_under_way(state), *_over(state)]
    if state.paused:
        faults.append(fault("/type", "paused-already", "It is paused already."))
    refuse_if(faults)
    return [Outcome(data, marks=("clock_runs_on",))]


def resume(state: PracticeReview, data: PracticeReviewResumed) -> list[Outcome]:
    faults = [*not_under_way(state)]
    if not state.paused:
        faults.append(fault("/type", "not-paused", "It is not paused."))
    refuse_if(faults)
    return [Outcome(data)]


def _over(state: PracticeReview) -> Iterator[Fault]:
    if state.publication:
        yield fault("/type", "published-already", "It was published.")


def note_learning(state: PracticeReview, data: LearningNoted) -> list[Outcome]:
    """Learning that cannot wait for the end of the review, from whoever may say it."""
    refuse_if([*not_under_way(state)])
    return [Outcome(data)]
