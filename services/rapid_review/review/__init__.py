"""The rapid review, pure: what follows from a proposal, from the facts of its case, and from time.

A file a rule: opening, requesting, returning, meeting, reporting, closing, chasing; `clocks` reckons.
"""

from contracts.envelope import AnyEvent
from contracts.reviews import (
    GapsRecorded,
    InformationAcknowledged,
    InformationContributed,
    InformationRequested,
    InformationReturned,
    LearningNoted,
    MeetingHeld,
    PanelAnswered,
    ReturnAccepted,
    ReturnQueried,
    ReviewClosed,
    ReviewCommented,
    ReviewDrafted,
    ReviewPlanned,
    ReviewSubmitted,
    ViewRecorded,
)
from services.rapid_review.case import Case
from services.rapid_review.review import closing, meeting, reporting, requesting, returning
from services.rapid_review.review.faults import fault, opened
from services.rapid_review.review.folding import evolve
from services.rapid_review.review.opening import on_facts
from services.rapid_review.review.state import UNOPENED, Answer, Context, Review, Status
from services.rapid_review.review.ticking import schedule, tick
from shared.decider import Outcome, Refused

__all__ = [
    "UNOPENED",
    "Answer",
    "Context",
    "Review",
    "Status",
    "decide",
    "evolve",
    "on_facts",
    "schedule",
    "tick",
]


def decide(state: Review, proposal: AnyEvent, case: Case, context: Context) -> list[Outcome]:
    """The facts that follow from a proposal, deadlines included, in order. Raises Refused with every fault, or Waiting.

    No outcome: it was said before, and has had its effect.
    """
    opened(state, case)
    match proposal.data:
        case ReviewPlanned() as data:
            return requesting.plan(state, proposal, data, case, context)
        case InformationRequested() as data:
            return requesting.request(state, proposal, data, case, context)
        case InformationAcknowledged() as data:
            return returning.acknowledge(state, proposal, data, context)
        case InformationContributed() as data:
            return returning.contribute(state, proposal, data, context)
        case InformationReturned() as data:
            return returning.give_back(state, proposal, data, context)
        case ReturnAccepted() as data:
            return requesting.accept(state, proposal, data, context)
        case ReturnQueried() as data:
            return requesting.query(state, proposal, data, context)
        case GapsRecorded() as data:
            return requesting.record_gaps(state, proposal, data, context)
        case MeetingHeld() as data:
            return meeting.hold(proposal, data, context)
        case ReviewDrafted() as data:
            return reporting.draft(state, proposal, data, context)
        case ViewRecorded() as data:
            return reporting.view(state, proposal, data, context)
        case ReviewCommented() as data:
            return reporting.comment(state, data)
        case ReviewSubmitted() as data:
            return closing.submit(state, proposal, data, case, context)
        case PanelAnswered() as data:
            return closing.answer(state, proposal, data, case, context)
        case ReviewClosed() as data:
            return closing.close(state, proposal, data, case, context)
        case LearningNoted() as data:
            return meeting.note_learning(data)
        case _:
            raise Refused(fault("/type", "not-proposable", "Its owner alone states this fact."))
