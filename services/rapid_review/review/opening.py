"""The review opens by itself, ends by itself, and follows what its day 0 depends on: whatever order the facts come in.

It is worked out from how the case stands, not from the fact that came: each fact closes the distance between the two.
"""

from collections.abc import Iterator

from contracts.codes import Ground
from contracts.envelope import AnyEvent
from contracts.reviews import Plan, ReviewCancelled, ReviewOpened, ReviewPlanned
from services.rapid_review.case import Case, Opening
from services.rapid_review.review.clocks import T06A, T08, clocks_of, dated, start_of
from services.rapid_review.review.state import Context, Review, Status
from shared.decider import Outcome
from shared.working_days import Calendar


def on_facts(state: Review, case: Case, fact: AnyEvent, context: Context) -> list[Outcome]:
    """What follows from how the case stands after one more fact of its own: `case` holds it already."""
    opening = case.to_review
    ended_so = state.closed in (None, "cancelled")
    if opening and ended_so and (state.rule is None or state.cancelled):
        return _open(state, case, opening, context)
    if not opening and state.under_way:
        return _cancel(state, case, context)
    if opening and state.rule and not state.cancelled:
        return _follow(state, case, context)
    return []


def _open(state: Review, case: Case, opening: Opening, context: Context) -> list[Outcome]:
    """One whose day 0 is not known yet opens when it is. Opened again, it goes on by the reading that it began with."""
    rule = state.rule or context.local.rapid_review
    start = start_of(rule, case)
    if start is None:
        return []
    fact = ReviewOpened(
        rule=rule,
        notification=opening.fact,
        portal_time=opening.portal_time,
        grounds=frozenset(map(Ground, opening.grounds)),
        plan=dated(state.plan or context.local.plan, start, context.calendar),
    )
    clocks = clocks_of(state, case, context)
    if state.clock is not None and state.clock.met_at:  # it was met, and what it counts from may have changed since
        clocks.restart(rule, start, _because(rule))
    else:
        clocks.set(rule, start)
        if state.submissions:  # what reached the Panel before has reached it
            clocks.meet(rule, state.submissions[0].at, reason_given=state.submissions[0].explained)
    if state.submission and state.stage is Status.SUBMITTED:
        clocks.set(T08, state.submission.at)
    return [Outcome(fact), *clocks.outcomes]


def _cancel(state: Review, case: Case, context: Context) -> list[Outcome]:
    because = "withdrawn" if case.withdrawn else "linked"
    clocks = clocks_of(state, case, context)
    for key in state.clocks:
        clocks.cancel(key, because)
    return [Outcome(ReviewCancelled(because=because)), *clocks.outcomes]


def _follow(state: Review, case: Case, context: Context) -> list[Outcome]:
    """A corrected portal time or awareness: the clock is reckoned, or judged, again, and the plan gets its new dates.

    A closed review's clock too (DOMAIN 4A item 10).
    """
    assert state.rule is not None
    start = start_of(state.rule, case)
    if start is None:
        return []
    clocks = clocks_of(state, case, context)
    if clocks.runs(state.rule):
        clocks.restart(state.rule, start, _because(state.rule))
    if not clocks.outcomes:
        return []
    return [*clocks.outcomes, *(planned_anew(state, dated(state.plan, start, context.calendar)))]


def _because(rule: str) -> str:
    return "portal_time" if rule == T06A else "awareness"


def planned_anew(state: Review, plan: Plan) -> Iterator[Outcome]:
    """The plan with other dates, while it is still worked by."""
    if state.under_way and plan and plan != state.plan:
        yield Outcome(ReviewPlanned(plan=plan))


def redated(state: Review, calendar: Calendar) -> Plan:
    """The plan as a changed calendar dates it."""
    start = state.clock.started_at if state.clock else None
    return state.plan if start is None else dated(state.plan, start, calendar)
