"""An agency that owes an answer is reminded, told that it is overdue, and then its named senior is told: each once.

At 09:00 London, by the partnership's own numbers of working days (`contracts.local_rules`). After an outage it is told
how it stands, not everything that was missed.
"""

from collections.abc import Iterator
from datetime import datetime

from contracts.local_rules import RulesAdopted
from contracts.review_codes import Chase
from contracts.reviews import InformationChased
from services.rapid_review.review.clocks import near
from services.rapid_review.review.state import Context, Request, Review
from shared.deadlines.reckoning import MORNING, london_instant
from shared.decider import Outcome
from shared.working_days import Calendar


def chase(state: Review, context: Context) -> list[Outcome]:
    """What is to be told now of every request that awaits something."""
    if not state.under_way:
        return []
    return [told for request in state.owing for told in _told(request, context)]


def next_chase(state: Review, context: Context) -> datetime | None:
    """The next instant at which an agency is to be chased; in the past where that has not been done yet."""
    if not state.under_way:
        return None
    return min((at for request in state.owing for at, _ in _ahead(request, context)), default=None)


def _told(request: Request, context: Context) -> Iterator[Outcome]:
    """Every level of the latest instant that has come: overdue and escalated may fall on one morning."""
    come = [(at, level) for at, level in _ahead(request, context) if at <= context.now]
    latest = max((at for at, _ in come), default=None)
    for at, level in come:
        if at == latest:
            fact = InformationChased(agency=request.agency, request=request.id, level=level, due=request.due)
            yield Outcome(fact, time=at)


def _ahead(request: Request, context: Context) -> Iterator[tuple[datetime, Chase]]:
    """What has not been told since the agency was last asked, beyond what has: nobody is reminded after the fact."""
    levels = list(Chase)
    reached = max((levels.index(level) for level in request.chased), default=-1)
    for at, level in instants(request, context.local, context.calendar):
        if levels.index(level) > reached and at > request.open_since:
            yield at, level


def instants(request: Request, local: RulesAdopted, calendar: Calendar) -> tuple[tuple[datetime, Chase], ...]:
    """When each level is due, in order."""
    days = (
        (near(request.due, -local.remind_before, calendar), Chase.REMINDER),
        (near(request.due, 1, calendar), Chase.OVERDUE),
        (near(request.due, local.escalate_after, calendar), Chase.ESCALATED),
    )
    return tuple((london_instant(day, MORNING), level) for day, level in days)
