"""Moves a stack's business clock from one due instant to the next, each time once the stack is quiet."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from shared.clock import MovableClock, MovedBackwards

QUIET_SECONDS = 60.0
POLL_SECONDS = 0.03
ROUNDS = 2
"""What one process has sent, another may not have seen in the same round of questions; in the next one it has."""

TICKS = 20
"""A tick may have to wait for what arrived before it; so many in vain are a fault."""

JUST_AFTER = timedelta(microseconds=1)


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
        self._clock = MovableClock(clock_file)
        self._processes = processes
        self._headers = headers
        self._http = http
        self.moves = 0

    def now(self) -> datetime:
        """The business time."""
        return self._clock.now()

    def settle(self) -> datetime | None:
        """Wait until nothing is on its way anywhere; the next instant at which a clock has something to say, if any.

        Raises NotQuiet.
        """
        until = time.monotonic() + QUIET_SECONDS
        quiet = 0
        while True:
            standing = {name: self._ask("GET", url, "/operations/clock") for name, url in self._processes.items()}
            quiet = quiet + 1 if all(one["quiet"] for one in standing.values()) else 0
            if quiet == ROUNDS:
                return min(_instants(standing.values()), default=None)
            if time.monotonic() > until:
                waits = {name: one.get("waitsFor") for name, one in standing.items() if not one["quiet"]}
                raise NotQuiet(f"not quiet after {QUIET_SECONDS:.0f} s: {waits}")
            time.sleep(0 if quiet else POLL_SECONDS)

    def advance(self, to: datetime) -> None:
        """Go to an instant, stopping at every instant before it at which a clock has something to say."""
        ticked: Counter[datetime] = Counter()
        while (due := self.settle()) is not None and due <= to:
            if ticked[due] == TICKS:
                raise NotQuiet(f"a clock that was due at {due.isoformat()} was ticked {TICKS} times and is due still")
            self._move(due)
            self._tick()
            ticked[due] += 1
        self._move(to)

    def _move(self, to: datetime) -> None:
        try:
            MovableClock.move(self._clock_file, to + JUST_AFTER)
            self.moves += 1
        except MovedBackwards:
            pass  # business time runs on by itself between two moves, and has passed it

    def _tick(self) -> None:
        for url in self._processes.values():
            self._ask("POST", url, "/operations/clock/tick")

    def _ask(self, method: str, url: str, path: str) -> dict[str, Any]:
        answer = self._http.request(method, url + path, headers=dict(self._headers()), timeout=60)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


def _instants(standing: Iterable[Mapping[str, Any]]) -> list[datetime]:
    return [datetime.fromisoformat(one["nextDue"]) for one in standing if one.get("nextDue")]
