"""Moves a stack's business clock from one due instant to the next, each time once the stack is quiet."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import httpx

from shared.clock import MovableClock, MovedBackwards
from shared.london import LONDON

QUIET_SECONDS = 60.0
POLL_SECONDS = 0.02
ROUNDS = 2
"""What one process has sent, another may not have seen in the same round of questions; in the next one it has."""

TICKS = 20
"""A tick may have to wait for what arrived before it; so many in vain are a fault."""

JUST_AFTER = timedelta(microseconds=1)
HOURS = (time_of_day(0), time_of_day(9))
"""When clocks have something to say: a miss at midnight, warnings and reminders at nine, in London."""

FAR_AWAY = datetime.max.replace(tzinfo=UTC)


class NotQuiet(Exception):
    """Something still has work after a long wait; says who, and what waits."""


class ClockMover:
    """`processes` are the addresses of the services by name; `headers` shows that an operator asks."""

    def __init__(
        self,
        clock_file: Path,
        processes: Mapping[str, str],
        headers: Callable[[], Mapping[str, str]],
        http: httpx.Client,
    ) -> None:
        self._clock_file = clock_file
        self._processes = processes
        self._headers = headers
        self._http = http
        self._asking = ThreadPoolExecutor(max_workers=len(processes))
        self._nothing_before: datetime | None = None
        self.moves = 0

    def close(self) -> None:
        """End its threads."""
        self._asking.shutdown()

    def sent(self, at: datetime) -> None:
        """Something was sent at that instant; what it sets going may have something to say from the next hour on."""
        self._nothing_before = min(self._nothing_before or FAR_AWAY, _next_hour(at))

    def settle(self) -> datetime | None:
        """Wait until nothing is on its way anywhere; the next instant at which a clock has something to say, if any.

        Raises NotQuiet.
        """
        until = time.monotonic() + QUIET_SECONDS
        quiet = 0
        while True:
            standing = self._ask_all("GET", "/operations/clock")
            quiet = quiet + 1 if all(one["quiet"] for one in standing.values()) else 0
            if quiet == ROUNDS:
                due = min(_instants(standing.values()), default=None)
                self._nothing_before = due or FAR_AWAY
                return due
            if time.monotonic() > until:
                waits = {name: one.get("waitsFor") for name, one in standing.items() if not one["quiet"]}
                raise NotQuiet(f"not quiet after {QUIET_SECONDS:.0f} s: {waits}")
            time.sleep(0 if quiet else POLL_SECONDS)

    def advance(self, to: datetime) -> None:
        """Go to an instant, stopping at every instant before it at which a clock has something to say."""
        ticked: Counter[datetime] = Counter()
        while self._nothing_before is None or self._nothing_before <= to:
            due = self.settle()
            if due is None or due > to:
                break
            if ticked[due] == TICKS:
                raise NotQuiet(f"a clock that was due at {due.isoformat()} was ticked {TICKS} times and is due still")
            self._move(due)
            self._ask_all("POST", "/operations/clock/tick")
            ticked[due] += 1
            self._nothing_before = None
        self._move(to)

    def _move(self, to: datetime) -> None:
        try:
            MovableClock.move(self._clock_file, to + JUST_AFTER)
            self.moves += 1
        except MovedBackwards:
            pass  # business time runs on by itself between two moves, and has passed it

    def _ask_all(self, method: str, path: str) -> dict[str, dict[str, Any]]:
        answers = self._asking.map(lambda url: self._ask(method, url + path), self._processes.values())
        return dict(zip(self._processes, answers, strict=True))

    def _ask(self, method: str, address: str) -> dict[str, Any]:
        answer = self._http.request(method, address, headers=dict(self._headers()), timeout=60)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


def _instants(standing: Iterable[Mapping[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(one["nextDue"]) for one in standing if one.get("nextDue")]


def _next_hour(at: datetime) -> datetime:
    today = at.astimezone(LONDON).date()
    days = (today, today + timedelta(days=1))
    return min(hour for day in days for each in HOURS if (hour := datetime.combine(day, each, LONDON)) > at)
