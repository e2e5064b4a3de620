"""What every decision here refuses alike: too early, in the future, of another version, by somebody else."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from contracts.envelope import AnyEvent
from contracts.practice_reviews import AdvanceCopyDelivered
from contracts.review_codes import CopyTo
from contracts.submissions import Fault
from services.rapid_review.practice_review.state import Case, Context, Draft, PracticeReview
from shared.decider import Refused

NATIONAL = {"panel": CopyTo.PANEL, "department": CopyTo.SECRETARY_OF_STATE, "ofsted": CopyTo.OFSTED}
"""Which copy each national body can say that it has."""

CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""A sender's clock may be ahead by so much before what it says lies in the future."""


def fault(pointer: str, rule: str, detail: str, *allowed: str) -> Fault:
    return Fault(pointer=pointer, rule=rule, detail=detail, allowed=allowed)


def refuse_if(faults: list[Fault]) -> None:
    """Raises Refused with every fault, if there is one."""
    if faults:
        raise Refused(*faults)


def not_under_way(state: PracticeReview) -> Iterator[Fault]:
    """Nothing is done in a review that the three partners have not decided, or that was given up."""
    if state.commission is None:
        yield fault("/type", "not-commissioned", "The three partners must each have decided it first.")
    elif state.ended:
        yield fault("/type", "ended", "It was given up: the three partners can decide a further one.")


def in_the_future(pointer: str, at: datetime | date | None, context: Context) -> Iterator[Fault]:
    """An instant, or a London date, at which this cannot have happened yet."""
    latest = context.now + CLOCKS_DIFFER_BY if isinstance(at, datetime) else context.today
    if at is not None and at > latest:
        yield fault(pointer, "in-the-future", "This lies in the future: record what has happened.")


def not_the_newest(state: PracticeReview, version: int) -> Iterator[Fault]:
    """What was done for an earlier version has to be done again for the newest (DOMAIN 4A item 6)."""
    if state.draft is None:
        yield no_draft()
    elif version != state.draft.number:
        yield fault("/data/version", "not-the-newest", "Name the newest version.", str(state.draft.number))


def no_draft() -> Fault:
    return fault("/data/version", "no-draft", "There is no draft of the report yet: file it, then record it.")


def not_a_partner(case: Case, proposal: AnyEvent) -> Iterator[Fault]:
    """The three partners of the host area run it, and a national body tells of its copy: to anybody else, another
    area's authority too, there is no such review."""
    own_copy = isinstance(proposal.data, AdvanceCopyDelivered) and proposal.agency in NATIONAL
    if proposal.agency not in case.partners and not own_copy:
        yield fault("/subject", "absent", "There is no such practice review.")


def newest(state: PracticeReview) -> Draft:
    """The newest version. Raises Refused."""
    if state.draft is None:
        raise Refused(no_draft())
    return state.draft
