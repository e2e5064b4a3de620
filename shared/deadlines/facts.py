"""A reckoning as a fact of the deadline family carries it, and back again."""

from functools import lru_cache
from typing import Any

from contracts.deadlines import DayNotCounted, Reckoned
from shared.deadlines.life import Deadline
from shared.deadlines.reckoning import NotCounted, Reckoning, restored


@lru_cache(maxsize=1024)  # the clocks of one day 0 share their reckoning
def reckoned(reckoning: Reckoning | None) -> Reckoned | None:
    """A reckoning as a fact carries it."""
    if reckoning is None:
        return None
    return Reckoned(
        started_at=reckoning.at,
        day0=reckoning.day0,
        working_days=reckoning.working_days,
        months=reckoning.months,
        due=reckoning.due,
        late_from=reckoning.late_from,
        not_counted=tuple(DayNotCounted(day=off.day, why=off.why) for off in reckoning.not_counted),
        calendar=reckoning.calendar,
    )


@lru_cache(maxsize=1024)
def reckoning_of(fact: Reckoned) -> Reckoning:
    """The reckoning that a fact carries; the days that counted are those between that it does not name."""
    return restored(
        fact.started_at,
        fact.day0,
        fact.working_days,
        fact.due,
        fact.late_from,
        tuple(NotCounted(off.day, off.why) for off in fact.not_counted),
        fact.calendar,
        fact.months,
    )


def named(deadline: Deadline) -> dict[str, Any]:
    """What every fact of the family says: which clock, under which rule, for whom."""
    return {
        "clock": deadline.key,
        "rule": deadline.rule.id,
        "edition": deadline.rule.edition,
        "recipient": deadline.recipient,
    }
