"""What time makes of the clocks of a stream: warnings, misses, chasers (DOMAIN 4A item 9), a changed calendar."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from contracts.deadlines import DeadlineDueSoon, DeadlineMissed
from shared.deadlines.clocks import Clocks
from shared.deadlines.facts import named
from shared.deadlines.life import Deadline, Notice, NoticeKind, scheduled, tick
from shared.decider import Context, Outcome


def ticked(clocks: Clocks, keys: Iterable[str], context: Context, awaiting: Collection[str] = ()) -> list[Outcome]:
    """Every clock counted again if the calendar changed, then at most one notice of how each stands now.

    `awaiting`: the clocks of which something arrived in time that may meet them, and has no verdict yet.
    """
    keys = sorted(keys)
    for key in keys:
        clocks.recompute(key)
    told = list(clocks.outcomes)
    for key in keys:
        exactly = scheduled(clocks[key], context.calendar)
        told += map(_told, tick(exactly, context.now, context.calendar, awaiting_answer=key in awaiting))
    return told


def next_instants(running: Iterable[Deadline], context: Context) -> Mapping[str, datetime]:
    """When each running clock next has something to say by the calendar as it is, which facts do not carry."""
    instants = {deadline.key: scheduled(deadline, context.calendar).next_instant for deadline in running}
    return {key: instant for key, instant in instants.items() if instant is not None}


def _told(notice: Notice) -> Outcome:
    deadline = notice.deadline
    assert deadline.due is not None
    of = {**named(deadline), "due": deadline.due, "provisional": deadline.provisional}
    if notice.kind is NoticeKind.DUE_SOON:
        return Outcome(DeadlineDueSoon(**of, working_day=notice.working_day), time=notice.at)
    fact = DeadlineMissed(
        **of,
        working_days_late=notice.working_days_late,
        answer_outstanding=notice.answer_outstanding,
        again=notice.kind is NoticeKind.STILL_MISSED,
    )
    return Outcome(fact, time=notice.at)
