"""What every decision here refuses alike: what is another's, not under way, or in the future."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from contracts.codes import Role
from contracts.envelope import AnyEvent
from contracts.reviews import Addressed
from contracts.submissions import Fault
from services.rapid_review.case import Case
from services.rapid_review.review.state import Context, Request, Review
from shared.decider import Refused, Waiting

CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""A sender's clock may be ahead by so much before what it says lies in the future."""


def fault(pointer: str, rule: str, detail: str, *allowed: str) -> Fault:
    return Fault(pointer=pointer, rule=rule, detail=detail, allowed=allowed)


def refuse_if(faults: list[Fault]) -> None:
    """Raises Refused with every fault, if there is one."""
    if faults:
        raise Refused(*faults)


def opened(state: Review, case: Case) -> None:
    """Raises Refused where no review follows or was begun, Waiting where the notification may be on its way."""
    if state.rule is not None and case.host:
        return
    if state.rule is not None:
        raise Waiting("the referral of the incident")
    if case.linked_to:
        raise Refused(fault("/subject", "linked", "This referral was linked: its lead incident has the review."))
    if case.withdrawn or (case.filed and case.opening is None):
        detail = "No rapid review follows: the notification has no section 16C ground, or was withdrawn."
        raise Refused(fault("/subject", "no-review", detail))
    raise Waiting("the notification that opens the review")


def in_the_future(pointer: str, at: datetime, context: Context) -> Iterator[Fault]:
    if at > context.now + CLOCKS_DIFFER_BY:
        yield fault(pointer, "in-the-future", "This lies in the future: record what has happened.")


def not_under_way(state: Review) -> Iterator[Fault]:
    """A decision is for a review that goes on. What has happened is taken in any (DOMAIN 4A item 20)."""
    if state.closed:
        yield fault("/type", "closed", "The review is closed.")
    elif state.cancelled:
        yield fault("/type", "cancelled", "The review was cancelled: its notification was withdrawn, or linked.")


def not_the_unit(proposal: AnyEvent, context: Context) -> Iterator[Fault]:
    """The business unit of the authority that holds the duty runs the review, nobody else's."""
    if context.host is not None and proposal.agency != context.host:
        detail = "The business unit of the authority that holds the duty runs the review."
        yield fault("/agency", "not-the-host", detail, context.host)


def asked(state: Review, data: Addressed, request: str, proposal: AnyEvent, context: Context) -> Request:
    """The request that an agency answers, by itself or through the unit that keys it in. To anybody else there is no
    such request: raises Refused, and tells nothing."""
    found = state.requests.get(request)
    keyed = context.host is not None and proposal.agency == context.host and proposal.actorrole == Role.BUSINESS_UNIT
    if found is None or found.agency != data.agency or not (keyed or proposal.agency == data.agency):
        raise Refused(fault("/data/request", "absent", "There is no such request."))
    return found
