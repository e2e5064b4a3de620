"""To the Panel and back: the report is submitted, the Panel answers, the review ends (DOMAIN T06, T08, 4A item 11)."""

from collections.abc import Iterator
from datetime import datetime

from contracts.codes import Role
from contracts.envelope import AnyEvent
from contracts.review_codes import PanelView
from contracts.reviews import PanelAnswered, ReviewClosed, ReviewSubmitted
from contracts.submissions import Fault
from services.rapid_review.case import Case
from services.rapid_review.review.clocks import T08, clocks_of
from services.rapid_review.review.faults import fault, in_the_future, not_the_unit, refuse_if
from services.rapid_review.review.state import Context, Review, Status, Submission
from shared.decider import Outcome, Waiting
from shared.london import london_date


def submit(state: Review, proposal: AnyEvent, data: ReviewSubmitted, case: Case, context: Context) -> list[Outcome]:
    """It reached the Panel: taken in any state, and without a sign-off. The first submission alone meets T06.

    Said again while the Panel has not queried it, it corrects the newest one's time or gives the reason of its delay,
    and T06 is judged again. After a query it is a further submission.
    """
    corrected = state.submission if state.corrects_submission else None
    refuse_if(
        [
            *not_the_unit(proposal, context),
            *in_the_future("/data/submittedAt", data.submitted_at, context),
            *_before_the_notification(state, data.submitted_at),
            *_recorded_already(corrected, data),
        ]
    )
    draft = state.draft
    without = draft is None or not draft.signed_off
    fact = data.model_copy(update={"version": draft.number if draft else None, "without_sign_off": without})
    clocks = clocks_of(state, case, context)
    first = len(state.submissions) == (1 if corrected else 0)
    explained = data.late_reason is not None or (corrected is not None and corrected.explained)
    if first and state.rule and clocks.runs(state.rule):
        clocks.meet(state.rule, data.submitted_at, reason_given=explained)
    if state.under_way and corrected is None:
        clocks.set(T08, data.submitted_at)
    elif corrected is not None and clocks.runs(T08):
        clocks.restart(T08, data.submitted_at, "portal_time")
    return [Outcome(fact, marks=("without_sign_off",) if without else ()), *clocks.outcomes]


def _before_the_notification(state: Review, at: datetime) -> Iterator[Fault]:
    """A slip in the date would meet the clock before there was one."""
    if state.portal_time is not None and london_date(at) < london_date(state.portal_time):
        first = london_date(state.portal_time).isoformat()
        detail = "No review reached the Panel before its notification did."
        yield fault("/data/submittedAt", "before-the-notification", detail, f"from {first}")


def _recorded_already(corrected: Submission | None, data: ReviewSubmitted) -> Iterator[Fault]:
    if corrected is None or corrected.at != data.submitted_at:
        return
    if data.late_reason is None or corrected.explained:
        yield fault("/data/submittedAt", "recorded-already", "This submission stands recorded already.")


def answer(state: Review, proposal: AnyEvent, data: PanelAnswered, case: Case, context: Context) -> list[Outcome]:
    """The Panel's reply, said by its own system or keyed in. With queries the report is a draft again."""
    if state.submission is None:
        raise Waiting("the submission that the Panel answers")
    unit = proposal.actorrole == Role.BUSINESS_UNIT
    refuse_if(
        [
            *(not_the_unit(proposal, context) if unit else ()),
            *in_the_future("/data/answeredAt", data.answered_at, context),
            *_before_the_submission(state.submission, data.answered_at),
        ]
    )
    clocks = clocks_of(state, case, context)
    if clocks.runs(T08) and clocks[T08].met_at is None:
        clocks.meet(T08, data.answered_at)
    return [Outcome(data), *clocks.outcomes]


def _before_the_submission(submission: Submission, at: datetime) -> Iterator[Fault]:
    if at < submission.at:
        detail = "The Panel cannot have answered before the report reached it; correct one of the two."
        yield fault("/data/answeredAt", "before-the-submission", detail, f"from {submission.at.isoformat()}")


def close(state: Review, proposal: AnyEvent, data: ReviewClosed, case: Case, context: Context) -> list[Outcome]:
    """It ends for a reason that holds. Without a reply: after the day on which one was expected, saying why."""
    refuse_if([*_closed(state), *not_the_unit(proposal, context), *_does_not_hold(state, data, context)])
    clocks = clocks_of(state, case, context)
    for key in state.clocks:
        clocks.cancel(key, "not_needed")
    return [Outcome(data), *clocks.outcomes]


def _closed(state: Review) -> Iterator[Fault]:
    if state.closed:
        yield fault("/type", "closed", "The review is closed.")


_NOT_YET = (
    "It cannot end yet: it ends once the Panel has replied without queries, or has not replied by the day on which "
    "that was expected, or once it is cancelled with its notification."
)


def _does_not_hold(state: Review, data: ReviewClosed, context: Context) -> Iterator[Fault]:
    holding = list(_holding(state, context))
    if data.why not in holding:
        detail = "The review cannot end for this reason as it stands."
        yield fault("/data/why", "does-not-hold", detail if holding else f"{detail} {_NOT_YET}", *holding)
    elif data.why == "no_reply" and data.reason is None:
        yield fault("/data/reason", "needs-a-reason", "Say why it ends without the Panel's reply.")


def _holding(state: Review, context: Context) -> Iterator[str]:
    """For what the review can end as it stands now."""
    if state.cancelled:
        yield "cancelled"
    elif state.stage is Status.PANEL_RESPONDED and state.submission:
        yield "panel_answered"
        if state.submission.answer is PanelView.AGREES:
            yield "panel_agreed"
    elif state.stage is Status.SUBMITTED and T08 in state.clocks:
        expected = state.clocks[T08].reckoning
        if expected is not None and context.now >= expected.late_from:
            yield "no_reply"
