"""What time makes of the clocks: warnings, misses and chasers, and what a changed calendar does (DOMAIN 4A item 9)."""

from collections.abc import Mapping
from datetime import datetime

from contracts.deadlines import DeadlineDueSoon, DeadlineMissed
from services.gateway.incident.clocks import Clocks
from services.gateway.incident.state import DUTY, Context, Incident
from shared import deadlines
from shared.deadlines import Deadline, Notice, NoticeKind, scheduled
from shared.decider import Outcome


def tick(incident: Incident, context: Context, awaiting: bool) -> list[Outcome]:
    """Every clock counted again if the calendar changed, then at most one notice of how each stands now.

    `awaiting`: a submission that arrived in time has no verdict yet.
    """
    clocks = Clocks(incident, context)
    for key in incident.clocks:
        clocks.recompute(key)
    told = list(clocks.outcomes)
    for key in sorted(incident.clocks):
        told += [_told(notice) for notice in _notices(clocks[key], context, awaiting and key in DUTY)]
    return told


def schedule(incident: Incident, context: Context) -> Mapping[str, datetime]:
    """When each running clock next has something to say by the calendar as it is, which facts do not carry."""
    instants = {deadline.key: scheduled(deadline, context.calendar).next_instant for deadline in incident.running}
    return {key: instant for key, instant in instants.items() if instant is not None}


def _notices(deadline: Deadline, context: Context, awaiting: bool) -> list[Notice]:
    exactly = scheduled(deadline, context.calendar)
    return deadlines.tick(exactly, context.now, context.calendar, awaiting_answer=awaiting)


def _told(notice: Notice) -> Outcome:
    deadline = notice.deadline
    assert deadline.due is not None
    of = {
        "clock": deadline.key,
        "rule": deadline.rule.id,
        "edition": deadline.rule.edition,
        "recipient": deadline.recipient,
        "due": deadline.due,
        "provisional": deadline.provisional,
    }
    if notice.kind is NoticeKind.DUE_SOON:
        return Outcome(DeadlineDueSoon(**of, working_day=notice.working_day), time=notice.at)
    fact = DeadlineMissed(
        **of,
        working_days_late=notice.working_days_late,
        answer_outstanding=notice.answer_outstanding,
        again=notice.kind is NoticeKind.STILL_MISSED,
    )
    return Outcome(fact, time=notice.at)
