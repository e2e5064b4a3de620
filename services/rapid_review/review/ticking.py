"""What time makes of a rapid review: notices of its clocks, the dates of its plan, and agencies that are chased."""

from datetime import datetime

from services.rapid_review.case import Case
from services.rapid_review.review.chasing import chase, next_chase
from services.rapid_review.review.clocks import clocks_of, started
from services.rapid_review.review.opening import planned_anew, redated
from services.rapid_review.review.state import Context, Review
from shared.deadlines import next_instants, ticked
from shared.decider import Outcome


def tick(state: Review, case: Case, context: Context) -> list[Outcome]:
    """Every clock counted again if the calendar changed, and the plan with it; then at most one notice of how each
    clock stands, and how each agency that owes an answer does."""
    state = started(state, case)
    return [
        *ticked(clocks_of(state, case, context), state.clocks, context),
        *planned_anew(state, redated(state, context.calendar)),
        *chase(state, context),
    ]


def schedule(state: Review, case: Case, context: Context) -> datetime | None:
    """The next instant at which it has something to say; None if there is none. It does not depend on the case."""
    instants = [*next_instants(state.running, context).values(), next_chase(state, context)]
    return min((at for at in instants if at is not None), default=None)
