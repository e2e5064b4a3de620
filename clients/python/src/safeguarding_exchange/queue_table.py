"""The offline queue's SQLite file."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

WAITING, TAKEN, REFUSED, DONE = "waiting", "taken", "refused", "done"
"""Still here; with the exchange, which has no verdict yet; refused; done with, of which only the id is kept."""

KEPT_DAYS = 30
"""How long the ids of what is done with are kept, so that one put again is known."""

_MADE = """
create table if not exists queued (
    place integer primary key autoincrement,
    id text not null unique,
    type text not null,
    subject text,
    incidentref text,
    event text,
    since real not null,
    state text not null,
    submission text,
    fault text
);
create index if not exists queued_state on queued (state, place);
create table if not exists known (incidentref text primary key, incident text not null);
"""


@dataclass(frozen=True)
class Row:
    """One event of the queue."""

    id: str
    type: str
    subject: str | None
    incidentref: str | None
    event: dict[str, Any] | None
    since: float
    state: str
    submission: str | None
    fault: str | None

    def keys(self, known: Mapping[str, str]) -> set[str]:
        """By what the incident that it is about can be told: its id, or the agency's own number."""
        named = {f"ref {self.incidentref}": self.incidentref, f"is {self.subject}": self.subject}
        keys = {key for key, value in named.items() if value}
        if incident := known.get(self.incidentref or ""):
            keys.add(f"is {incident}")
        return keys or {f"event {self.id}"}


class Table:
    """Every write is on disk when it returns."""

    def __init__(self, path: Path) -> None:
        self._one_at_a_time = RLock()
        self._file = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        self._file.execute("pragma journal_mode = wal")
        self._file.execute("pragma synchronous = full")
        self._file.execute("pragma secure_delete = on")
        self._file.executescript(_MADE)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def add(self, event: Mapping[str, Any], now: float) -> bool:
        """Whether the id was new."""
        values = (*_named(event), json.dumps(event), now, WAITING)
        done = self._do(
            "insert into queued (id, type, subject, incidentref, event, since, state) values (?, ?, ?, ?, ?, ?, ?)"
            " on conflict do nothing",
            values,
        )
        return done == 1

    def rows(self, states: Sequence[str]) -> list[Row]:
        """The rows in these states, in the order in which they were put."""
        marks = ", ".join("?" * len(states))
        return self._read(f"where state in ({marks}) order by place", states)

    def row(self, event_id: str) -> Row | None:
        """One row."""
        return next(iter(self._read("where id = ?", (event_id,))), None)

    def known(self) -> dict[str, str]:
        """Which incident each of the agency's own numbers turned out to be."""
        with self._one_at_a_time:
            return dict(self._file.execute("select incidentref, incident from known").fetchall())

    def learn(self, incidentref: str, incident: str) -> None:
        """Note which incident a number of the agency's own is."""
        self._do(
            "insert into known values (?, ?) on conflict do update set incident = ?", (incidentref, *[incident] * 2)
        )

    def mark(self, event_id: str, state: str, submission: str, *, fault: str | None = None) -> None:
        """Note what became of an event; of one that is done with, what it said goes."""
        kept = "event" if state != DONE else "null"
        statement = f"update queued set state = ?, submission = ?, fault = ?, event = {kept} where id = ?"  # noqa: S608
        self._do(statement, (state, submission, fault, event_id))

    def mend(self, event: Mapping[str, Any]) -> bool:
        """Whether there was a refused event under this id; this one waits in its place."""
        event_id, *rest = _named(event)
        statement = (
            "update queued set type = ?, subject = ?, incidentref = ?, event = ?, state = ?, fault = null"
            " where id = ? and state = ?"
        )
        return self._do(statement, (*rest, json.dumps(event), WAITING, event_id, REFUSED)) == 1

    def discard(self, event_id: str) -> bool:
        """Whether there was a refused event under this id; it is gone."""
        return self._do("delete from queued where id = ? and state = ?", (event_id, REFUSED)) == 1

    def forget_before(self, since: float) -> None:
        """Forget the ids of what was done with long ago."""
        self._do("delete from queued where state = ? and since < ?", (DONE, since))

    def forget_words(self) -> None:
        """Take what is done with off the disk too: the write-ahead log would keep it until it is full."""
        with self._one_at_a_time:
            self._file.execute("pragma wal_checkpoint(truncate)").fetchall()

    def _do(self, statement: str, values: Sequence[object]) -> int:
        with self._one_at_a_time:
            return self._file.execute(statement, values).rowcount

    def _read(self, where: str, values: Sequence[object]) -> list[Row]:
        columns = "id, type, subject, incidentref, event, since, state, submission, fault"
        with self._one_at_a_time:
            found = self._file.execute(f"select {columns} from queued {where}", values).fetchall()  # noqa: S608
        return [_row(*row) for row in found]


def _row(event_id: str, kind: str, subject: str, incidentref: str, event: str | None, *rest: Any) -> Row:
    return Row(event_id, kind, subject, incidentref, json.loads(event) if event else None, *rest)


def _named(event: Mapping[str, Any]) -> tuple[Any, ...]:
    return event.get("id"), event.get("type"), event.get("subject"), event.get("incidentref")
