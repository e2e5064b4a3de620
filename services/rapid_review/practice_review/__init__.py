"""The local child safeguarding practice review, pure: what follows from a proposal, from a scan, and from time.

A file a rule: commissioning, conducting, reporting, publishing (with its guard); `rules` says when.
"""

from collections.abc import Mapping
from datetime import datetime

from contracts.envelope import AnyEvent
from contracts.practice_reviews import (
    AdvanceCopyDelivered,
    DelayNotified,
    InvolvementRecorded,
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
    ResponseAgreed,
    ReviewerAppointed,
    ReviewerRemoved,
)
from contracts.reviews import LearningNoted
from services.rapid_review.practice_review import commissioning, conducting, publishing, reporting
from services.rapid_review.practice_review.faults import fault, not_a_partner, refuse_if
from services.rapid_review.practice_review.folding import evolve
from services.rapid_review.practice_review.reporting import scanned
from services.rapid_review.practice_review.rules import clocks_of
from services.rapid_review.practice_review.state import (
    UNDECIDED,
    Case,
    Context,
    PracticeReview,
    Status,
)
from shared.deadlines import next_instants, ticked
from shared.decider import Outcome, Refused, Waiting

__all__ = [
    "UNDECIDED",
    "Case",
    "Context",
    "PracticeReview",
    "Status",
    "decide",
    "evolve",
    "scanned",
    "schedule",
    "tick",
]


def decide(state: PracticeReview, proposal: AnyEvent, case: Case, context: Context) -> list[Outcome]:
    """The facts that follow from a proposal, its clock's included. Raises Refused with every fault, or Waiting."""
    if not case.known:
        raise Waiting("the incident that it is about")
    refuse_if([*not_a_partner(case, proposal)])
    match proposal.data:
        case PracticeReviewDecided() as data:
            return commissioning.decide_to_initiate(state, proposal, data, case, context)
        case PracticeReviewEnded() as data:
            return commissioning.give_up(state, proposal, data, case, context)
        case PracticeReviewScoped() as data:
            return conducting.scope(state, data, context)
        case ReviewerAppointed() as data:
            return conducting.appoint(state, proposal, data, case)
        case ReviewerRemoved() as data:
            return conducting.remove(state, data)
        case PracticeReviewMonitored() as data:
            return conducting.monitor(state, proposal, data, case)
        case InvolvementRecorded() as data:
            return conducting.involve(state, data, context)
        case DelayNotified() as data:
            return conducting.notify_delay(state, data, case, context)
        case PracticeReviewPaused() as data:
            return conducting.pause(state, data)
        case PracticeReviewResumed() as data:
            return conducting.resume(state, data)
        case PracticeReviewDrafted() as data:
            return reporting.draft(state, data, case)
        case ResponseAgreed() as data:
            return reporting.respond(state, proposal, data, case)
        case RedactionChecked() as data:
            return reporting.check(state, proposal, data, case)
        case PublicationPlanned() as data:
            return publishing.plan(state, proposal, data, case, context)
        case AdvanceCopyDelivered() as data:
            return publishing.deliver(state, proposal, data, case, context)
        case PracticeReviewPublished() as data:
            return publishing.publish(state, proposal, data, case, context)
        case PracticeReviewUnpublished() as data:
            return publishing.unpublish(state, proposal, data, case, context)
        case LearningNoted() as data:
            return conducting.note_learning(state, data)
        case _:
            raise Refused(fault("/type", "not-proposable", "Its owner alone states this fact."))


def tick(state: PracticeReview, case: Case, context: Context) -> list[Outcome]:
    """At most one notice of how its clock stands, counted again first if a newer calendar reaches it now."""
    return ticked(clocks_of(state, case, context), state.clocks, context)


def schedule(state: PracticeReview, context: Context) -> Mapping[str, datetime]:
    """When its clock next has something to say, by key."""
    return next_instants((clock for clock in state.clocks.values() if not clock.done), context)
