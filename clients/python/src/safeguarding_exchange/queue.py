"""A queue on disk for what an agency publishes: a line that breaks loses nothing, and it is known what waits.

One SQLite file. What `put` returned from survives a crash; what is delivered twice is taken once, under its id. The
file holds what was said until its verdict is there, so it is its owner's alone to read.
"""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from safeguarding_exchange.failures import CredentialsRefused, Refused, Unreachable
from safeguarding_exchange.queue_table import DONE, KEPT_DAYS, REFUSED, TAKEN, WAITING, Row, Table
from safeguarding_exchange.receipts import ACCEPTED, NOT_ATTEMPTED, Receipt
from safeguarding_exchange.receipts import REFUSED as VERDICT_REFUSED

TOGETHER = 100
"""How many go in one batch."""

ITS_OWN_FAULT = (400, 413, 415, 422)
"""Answers to a whole request that sending it again does not mend."""


class IdUsed(Exception):
    """Another event was queued under this id: give this one an id of its own."""


class BeingDelivered(Exception):
    """Another process delivers this queue just now; two would mix the order up."""


class Sends(Protocol):
    """Something that publishes many events and has a receipt for each: `Publisher`."""

    def publish_all(self, events: Sequence[Mapping[str, Any]], *, wait: float = 0) -> list[Receipt]: ...

    def receipt_of(self, submission: str) -> Receipt: ...


@dataclass(frozen=True)
class Queued:
    """An event in the queue. `fault` says why it is still there, `held_by` behind which refused event it stands."""

    id: str
    type: str
    about: str
    since: float
    state: str
    fault: str | None = None
    held_by: str | None = None


@dataclass(frozen=True)
class Delivery:
    """What one round of delivering did. `line` says what broke it off; then everything else still waits."""

    taken: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    waiting: int = 0
    line: str | None = None


class OfflineQueue:
    """Events to be published, in order for each incident. May be used by several processes; one delivers at a time."""

    def __init__(self, file: Path | str, *, now: Callable[[], float] = time.time) -> None:
        self._path = Path(file)
        self._now = now
        if not self._path.exists():
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._table = Table(self._path)

    def __enter__(self) -> "OfflineQueue":
        return self

    def __exit__(self, *_: object) -> None:
        self._table.close()

    def put(self, event: Mapping[str, Any]) -> None:
        """Keep an event until it is taken; once this returns it is on disk. Putting the same again changes nothing.

        Raises IdUsed for another event under an id that still waits, ValueError for one without id or type.
        """
        if not isinstance(event.get("id"), str) or not isinstance(event.get("type"), str):
            raise ValueError("An event needs an id and a type of its own before it can be queued")
        if not self._table.add(event, self._now()):
            standing = self._table.row(event["id"])
            if standing is not None and standing.event is not None and standing.event != dict(event):
                raise IdUsed(f"Another event was queued under the id {event['id']}: give this one an id of its own")

    def waiting(self) -> list[Queued]:
        """What is not yet with the exchange, oldest first, refused ones and those behind them among it."""
        shown = []
        for row, held_by in self._in_order():
            if row.state in (WAITING, REFUSED):
                about = row.subject or row.incidentref or row.id
                shown.append(Queued(row.id, row.type, about, row.since, row.state, row.fault, held_by))
        return shown

    def deliver(self, way: Sends) -> Delivery:
        """Send what waits, until nothing can go any more or the line breaks. Raises BeingDelivered.

        What is refused stays, with its faults, and holds back what was queued after it about the same incident:
        `mend` or `discard` lets those go.
        """
        taken: list[str] = []
        refused: list[str] = []
        with self._alone():
            self._table.forget_before(self._now() - KEPT_DAYS * 86_400)
            line = self._settle(way, refused)
            while line is None and (batch := self._next_batch()):
                try:
                    receipts = self._send(way, batch)
                except (Unreachable, CredentialsRefused, Refused) as failure:
                    line = str(failure)
                    break
                if not self._note(batch, receipts, taken, refused):
                    break
        self._table.forget_words()
        waits = sum(1 for one in self.waiting() if one.state == WAITING)
        return Delivery(tuple(taken), tuple(refused), waits, line)

    def mend(self, event: Mapping[str, Any]) -> None:
        """Put a mended event in the place of the refused one under its id. Raises KeyError when none was refused."""
        if not self._table.mend(event):
            raise KeyError(f"no refused event under the id {event.get('id')}")

    def discard(self, event_id: str) -> None:
        """Give a refused event up; what stands behind it may go. Raises KeyError when none was refused."""
        if not self._table.discard(event_id):
            raise KeyError(f"no refused event under the id {event_id}")

    def _settle(self, way: Sends, refused: list[str]) -> str | None:
        """Ask what became of events that were taken without a verdict."""
        for row in self._table.rows((TAKEN,)):
            try:
                receipt = way.receipt_of(row.submission or "")
            except (Unreachable, CredentialsRefused, Refused) as failure:
                return str(failure)
            self._keep(row, receipt, refused)
        return None

    def _next_batch(self) -> list[Row]:
        """What may go together: the first of each incident, so that nothing goes before what it builds on is taken."""
        known, batch, in_batch = self._table.known(), list[Row](), set[str]()
        for row, held_by in self._in_order():
            keys = row.keys(known)
            if row.state == WAITING and held_by is None and not keys & in_batch:
                batch.append(row)
            in_batch |= keys
            if len(batch) == TOGETHER:
                break
        return batch

    def _send(self, way: Sends, batch: Sequence[Row]) -> list[Receipt]:
        """Receipts for the first of a batch, or for all. Where a whole request is refused, the first goes alone.

        Raises Refused for what is not this event's own fault, but the caller's: then everything waits.
        """
        try:
            return way.publish_all([row.event or {} for row in batch])
        except Refused as failure:
            if len(batch) > 1:
                return self._send(way, batch[:1])
            if "submission" not in failure.problem and failure.status not in ITS_OWN_FAULT:
                raise
            faults = failure.faults or [{"detail": failure.problem.get("detail", str(failure))}]
            return [Receipt("", VERDICT_REFUSED, batch[0].id, faults=tuple(faults))]

    def _note(self, batch: Sequence[Row], receipts: Sequence[Receipt], taken: list[str], refused: list[str]) -> bool:
        """Whether anything moved."""
        moved = False
        for row, receipt in zip(batch, receipts, strict=False):  # the first may have gone alone
            if receipt.status == NOT_ATTEMPTED:
                continue
            self._keep(row, receipt, refused)
            moved = True
            if receipt.taken:
                taken.append(row.id)
        return moved

    def _keep(self, row: Row, receipt: Receipt, refused: list[str]) -> None:
        if receipt.incident and row.incidentref:
            self._table.learn(row.incidentref, receipt.incident)
        if receipt.status == VERDICT_REFUSED or not receipt.taken:
            refused.append(row.id)
            self._table.mark(row.id, REFUSED, receipt.submission, fault=_words(receipt))
        elif receipt.status == ACCEPTED:
            self._table.mark(row.id, DONE, receipt.submission)
        else:
            self._table.mark(row.id, TAKEN, receipt.submission)

    def _in_order(self) -> Iterator[tuple[Row, str | None]]:
        """Each row with the id of the refused one that holds it back: one about the same incident, before it."""
        known = self._table.known()
        holders: dict[str, str] = {}
        for row in self._table.rows((WAITING, REFUSED)):
            keys = row.keys(known)
            held_by = next((holders[key] for key in keys if key in holders), None)
            holder = row.id if row.state == REFUSED and held_by is None else held_by
            if holder is not None:
                holders.update(dict.fromkeys(keys, holder))
            yield row, held_by if row.state == WAITING else None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A lock that goes with the process, on every system that has SQLite."""
        lock = sqlite3.connect(f"{self._path}.delivering", isolation_level=None, timeout=0)
        try:
            try:
                lock.execute("begin exclusive")
            except sqlite3.OperationalError:
                raise BeingDelivered(f"Another process delivers {self._path} just now") from None
            yield
        finally:
            lock.close()


def _words(receipt: Receipt) -> str:
    faults = [f"{fault.get('pointer', '')}: {fault.get('detail', '')}".lstrip(": ") for fault in receipt.faults]
    return "; ".join(faults) or json.dumps(dict(receipt.told).get("detail", receipt.status))
