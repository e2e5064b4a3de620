"""Lines that a process says again and again, told once in a while with how often: a client without its broker says
forty a second. The log file has them all."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

QUIET_SECONDS = 10.0
FORGET_ABOVE = 500

_VARIES = re.compile(r"\d+")


@dataclass
class _Told:
    at: float
    since: int = 0


class Repeats:
    """Which lines of one process are worth telling."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told: dict[str, _Told] = {}

    def worth_telling(self, line: str) -> str | None:
        """The line, or None when one like it (but for its numbers) was told within `QUIET_SECONDS`."""
        like = _VARIES.sub("0", line)
        now = self._now()
        told = self._told.get(like)
        if told is not None and now - told.at < QUIET_SECONDS:
            told.since += 1
            return None
        if len(self._told) > FORGET_ABOVE:
            self._told.clear()
        self._told[like] = _Told(now)
        return f"{line} (and {told.since} more like it)" if told is not None and told.since else line
