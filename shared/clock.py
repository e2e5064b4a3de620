"""The business clock: real time, except in a stack begun at a stated instant and moved forward by command.

Rules, occurred and recorded times and arrivals use it; tokens, TLS, Kafka and logs use real time.
"""

import fcntl
import json
import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from shared.london import aware


class MovedBackwards(ValueError):
    """The business clock was asked to go back."""


class AlreadyBegun(ValueError):
    """The stack's business clock has a history already; beginning anew would take it back."""


class BrokenHistory(ValueError):
    """The history of moves cannot be read."""


class Clock(Protocol):
    """Tells business time."""

    def now(self) -> datetime:
        """The business time, aware, in UTC."""
        ...

    def at(self, real: datetime) -> datetime:
        """The business time, in UTC, of a real instant (a broker's timestamp, say). Raises NaiveInstant."""
        ...


class RealClock:
    """Business time is real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def at(self, real: datetime) -> datetime:
        return aware(real).astimezone(UTC)


@dataclass(frozen=True)
class Move:
    """From this real instant on, business time ran from this business instant."""

    real: datetime
    business: datetime

    def read(self, real: datetime) -> datetime:
        return self.business + (real - self.real)


class MovableClock:
    """For the demo and tests. All processes of a stack share one history of moves; between moves time runs on."""

    def __init__(self, history: Path) -> None:
        self._path = history
        self._size = -1
        self._moves: tuple[Move, ...] = ()
        self.reload()

    def now(self) -> datetime:
        return self.at(datetime.now(UTC))

    def at(self, real: datetime) -> datetime:
        # Another process may have moved the clock; the file only grows, so its size tells.
        if self._path.stat().st_size != self._size:
            self.reload()
        return _read(self._moves, aware(real).astimezone(UTC))

    def reload(self) -> None:
        """Reads the history again. Raises BrokenHistory."""
        content = self._path.read_bytes()
        self._moves = _moves(self._path, content)
        self._size = len(content)

    @staticmethod
    def begin(path: Path, business: datetime, real: datetime | None = None) -> None:
        """Starts a stack's history at a business instant. Raises AlreadyBegun, NaiveInstant."""
        line = _line(Move(_utc(real), aware(business).astimezone(UTC)))
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path) as file:
            if os.fstat(file).st_size:
                raise AlreadyBegun(
                    f"{path.name} holds a history already: move the clock, or start with a new state folder"
                )
            _append(file, line)

    @staticmethod
    def move(path: Path, to: datetime) -> None:
        """Moves every process of the stack forward to a business instant. Raises MovedBackwards, NaiveInstant."""
        to = aware(to).astimezone(UTC)
        with _locked(path) as file:
            content = path.read_bytes()
            moves = _moves(path, content)
            # A host's clock may have been set back since the last move; the history stays in order all the same.
            real = max(_utc(None), moves[-1].real)
            if to < (stands := _read(moves, real)):
                raise MovedBackwards(
                    f"the business clock stands at {stands.isoformat()} and cannot go back to {to.isoformat()}"
                )
            # A writer that died, or a disk that was full, may have left half a line.
            os.ftruncate(file, len(_whole_lines(content)))
            _append(file, _line(Move(real, to)))


def clock_from(path: Path | None) -> Clock:
    """The movable clock of a stack that has a history file, otherwise real time."""
    return RealClock() if path is None else MovableClock(path)


def _utc(real: datetime | None) -> datetime:
    return datetime.now(UTC) if real is None else aware(real).astimezone(UTC)


def _read(moves: tuple[Move, ...], real: datetime) -> datetime:
    # Before the first move the first one is read backwards, so that order is kept.
    return moves[max(bisect_right(moves, real, key=lambda move: move.real) - 1, 0)].read(real)


def _line(move: Move) -> bytes:
    return json.dumps({"real": move.real.isoformat(), "business": move.business.isoformat()}).encode() + b"\n"


def _moves(path: Path, content: bytes) -> tuple[Move, ...]:
    try:
        moves = tuple(
            Move(aware(datetime.fromisoformat(line["real"])), aware(datetime.fromisoformat(line["business"])))
            for line in map(json.loads, _whole_lines(content).splitlines())
        )
    except (ValueError, KeyError, TypeError) as fault:
        raise BrokenHistory(f"{path.name} is no history of the business clock: {fault}") from fault
    if not moves:
        raise BrokenHistory(f"{path.name} is empty: begin the business clock first")
    return moves


def _whole_lines(content: bytes) -> bytes:
    # What follows the last newline is a line still being written.
    return content[: content.rfind(b"\n") + 1]


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        os.close(file)


def _append(file: int, line: bytes) -> None:
    os.write(file, line)
    os.fsync(file)
