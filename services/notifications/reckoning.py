"""A recorded reckoning as a sentence for people."""

from contracts.deadlines import Reckoned
from shared.deadlines import NotCounted, restored


def sentence(reckoned: Reckoned) -> str:
    """`aware Fri 28 Aug 2026 00:10 BST; Mon 31 Aug is Summer bank holiday; due end of Mon 7 Sep 2026`."""
    off = [NotCounted(day.day, day.why) for day in reckoned.not_counted]
    return restored(
        reckoned.started_at,
        reckoned.day0,
        reckoned.working_days,
        reckoned.due,
        reckoned.late_from,
        off,
        reckoned.calendar,
    ).sentence()
