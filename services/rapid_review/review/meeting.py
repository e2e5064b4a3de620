"""The case group meets. All three safeguarding partners must be there for it to decide anything (DOMAIN 4)."""

from contracts.envelope import AnyEvent
from contracts.review_codes import Attendance, Partner
from contracts.reviews import LearningNoted, MeetingHeld
from services.rapid_review.review.faults import in_the_future, not_the_unit, refuse_if
from services.rapid_review.review.state import Context
from shared.decider import Outcome


def hold(proposal: AnyEvent, data: MeetingHeld, context: Context) -> list[Outcome]:
    """It was held, in whatever state the review is: without a quorum it is recorded as such."""
    refuse_if([*not_the_unit(proposal, context), *in_the_future("/data/heldAt", data.held_at, context)])
    quorate = present(data, context) == frozenset(Partner)
    return [Outcome(data.model_copy(update={"quorate": quorate}), marks=() if quorate else ("not_quorate",))]


def present(data: MeetingHeld, context: Context) -> frozenset[Partner]:
    """The partners for whom somebody of that partner's own agency spoke: nobody speaks for another."""
    return frozenset(
        each.partner
        for each in data.attendees
        if each.partner and each.attendance is Attendance.PRESENT and context.partners.get(each.agency) is each.partner
    )


def note_learning(data: LearningNoted) -> list[Outcome]:
    """Learning that cannot wait, from whoever may say it, in any state."""
    return [Outcome(data)]
