"""A practice review from its facts."""

from dataclasses import replace
from datetime import date

from contracts.deadlines import OfDeadline
from contracts.envelope import AnyEvent
from contracts.practice_reviews import (
    AdvanceCopyDelivered,
    DelayNotified,
    InvolvementRecorded,
    PracticeReviewCommissioned,
    PracticeReviewDecided,
    PracticeReviewDrafted,
    PracticeReviewEnded,
    PracticeReviewMonitored,
    PracticeReviewPaused,
    PracticeReviewPublished,
    PracticeReviewResumed,
    PracticeReviewScoped,
    PracticeReviewUnpublished,
    PublicationPlanned,
    RedactionChecked,
    RedactionScanned,
    ResponseAgreed,
    ReviewerAppointed,
    ReviewerRemoved,
)
from services.rapid_review.practice_review.state import (
    Decided,
    Draft,
    PracticeReview,
    Published,
    Reviewer,
)
from shared.deadlines import awaiting_after, clock_after, judged_after
from shared.deadlines.reckoning import london_instant
from shared.london import london_date


def evolve(state: PracticeReview, fact: AnyEvent) -> PracticeReview:
    """The review after one more of its facts; any other changes nothing."""
    match fact.data:
        case OfDeadline() as of:
            return _clocked(state, fact, of)
        case PracticeReviewDecided(basis=basis, partner=partner) as decided if partner is not None:
            entry = Decided(basis, decided.decided_on or _day(fact))
            return replace(state, decisions={**state.decisions, partner: entry})
        case PracticeReviewCommissioned() as commission:
            return PracticeReview(
                commission=commission,
                agreed=state.decisions,
                numbered=state.numbered,
                publications=state.publications,
                unpublished=state.unpublished,
                clocks=state.clocks,
                judged=state.judged,
            )
        case PracticeReviewPublished() as published:
            return _published(state, published)
        case PracticeReviewUnpublished():
            return replace(state, unpublished=True)
        case PracticeReviewEnded():
            return replace(state, ended=True)
        case PracticeReviewDrafted() as drafted:
            number = drafted.version or state.numbered + 1
            return replace(state, numbered=number, draft=Draft(number, drafted.report, _day(fact), _day(fact)))
        case ResponseAgreed() | RedactionScanned() | RedactionChecked() | AdvanceCopyDelivered():
            return _of_a_version(state, fact)
        case _:
            return _conducted(state, fact)


def _clocked(state: PracticeReview, fact: AnyEvent, data: OfDeadline) -> PracticeReview:
    day0 = state.commission.decided_on if state.commission else _day(fact)
    after = clock_after(state.clocks.get(data.clock), fact, data, london_instant(day0))
    if after is None:
        return state
    return replace(
        state,
        clocks={**state.clocks, data.clock: after},
        judged=judged_after(state.judged, fact, data),
        awaiting_reason=awaiting_after(state.awaiting_reason, data),
    )


def _conducted(state: PracticeReview, fact: AnyEvent) -> PracticeReview:
    match fact.data:
        case PracticeReviewScoped() as scope:
            return replace(state, scope=scope)
        case ReviewerAppointed(reviewer=str(name), works_for=agency):
            return replace(state, reviewers={**state.reviewers, name: Reviewer(agency)})
        case ReviewerRemoved(reviewer=name) if name in state.reviewers:
            removed = replace(state.reviewers[name], removed=True)
            return replace(state, reviewers={**state.reviewers, name: removed})
        case PracticeReviewMonitored() as monitored:
            return replace(state, monitored=(*state.monitored, monitored))
        case InvolvementRecorded(involved=involved, outcome=outcome):
            steps = (*state.involvement.get(involved, ()), outcome)
            return replace(state, involvement={**state.involvement, involved: steps})
        case DelayNotified() as delay:
            return replace(state, delays=(*state.delays, delay))
        case PracticeReviewPaused():
            return replace(state, paused=True)
        case PracticeReviewResumed():
            return replace(state, paused=False)
        case PublicationPlanned() as plan:
            return replace(state, plan=plan)
        case _:
            return state


def _of_a_version(state: PracticeReview, fact: AnyEvent) -> PracticeReview:
    """What is of an earlier version than the newest is kept in the log, and counts for nothing."""
    draft, data = state.draft, fact.data
    if draft is None or data.version != draft.number:
        return state
    match data:
        case ResponseAgreed():
            first, on = not draft.responded, _day(fact)
            copies = {to: day for to, day in draft.copies.items() if first and day >= on}  # keyed in before it was
            draft = replace(draft, responded_on=on, checks={}, copies=copies)
        case RedactionScanned(result=result):
            draft = replace(draft, scan=result, checks={})
        case RedactionChecked(result=result):
            draft = replace(draft, checks={**draft.checks, fact.actor or "": result})
        case AdvanceCopyDelivered(recipient=recipient, delivered_at=at):
            # A copy is delivered when it is delivered: being told of it later does not make the review ready later.
            if draft.lacks_response(london_date(at)):
                return state
            earliest = min(london_date(at), draft.copies.get(recipient, date.max))
            return replace(state, draft=replace(draft, copies={**draft.copies, recipient: earliest}))
    return replace(state, draft=replace(draft, ready_on=max(draft.ready_on, _day(fact))))


def _published(state: PracticeReview, data: PracticeReviewPublished) -> PracticeReview:
    assert data.available_until is not None, "the owner gives it"
    version = data.version or state.numbered
    published = Published(version, data.form, data.on, data.available_until)
    return replace(state, publication=published, publications=(*state.publications, published), unpublished=False)


def _day(fact: AnyEvent) -> date:
    """The London date of what a fact says; that of its recording is no more than when it was keyed in."""
    return fact.businessdate or london_date(fact.time)
