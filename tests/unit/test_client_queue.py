"""The agencies' offline queue: whatever breaks, nothing is lost, and what is about one incident keeps its order."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safeguarding_exchange.failures import CredentialsRefused, Refused, Unreachable
from safeguarding_exchange.queue import BeingDelivered, IdUsed, OfflineQueue
from safeguarding_exchange.receipts import Receipt


class Line:
    """An exchange behind a line that breaks where it is told to, before or after the exchange has heard."""

    def __init__(self, breaks: Sequence[str] = (), refuses: Sequence[str] = ()) -> None:
        self.breaks = list(breaks)
        self.refuses = set(refuses)
        self.taken: list[str] = []
        self.whole: Exception | None = None

    def publish_all(self, events: Sequence[Mapping[str, Any]], *, wait: float = 0) -> list[Receipt]:
        told = self.breaks.pop(0) if self.breaks else "holds"
        if told == "breaks":
            raise Unreachable("no line")
        if self.whole is not None:
            raise self.whole
        receipts = [self._take(event) for event in events]
        if told == "breaks after":
            raise Unreachable("no answer")
        return receipts

    def receipt_of(self, submission: str) -> Receipt:
        return Receipt(submission, "accepted")

    def _take(self, event: Mapping[str, Any]) -> Receipt:
        if event["id"] in self.refuses:
            return Receipt("s", "refused", event["id"], faults=({"pointer": "/data", "detail": "mend it"},))
        if event["id"] not in self.taken:
            self.taken.append(event["id"])
        return Receipt("s", "accepted", event["id"], incident=event.get("subject"))


def _event(number: int, subject: str | None = None, ref: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": f"e{number}",
        "type": "incident.referred.v1",
        "subject": subject,
        "incidentref": ref,
        "data": {},
    }
    return {name: value for name, value in made.items() if value is not None}


def _filled(tmp_path: Path, *events: dict[str, Any]) -> OfflineQueue:
    queue = OfflineQueue(tmp_path / "queue")
    for event in events:
        queue.put(event)
    return queue


WRITES_FOR_EVER = """
import sys
from safeguarding_exchange.queue import OfflineQueue
queue = OfflineQueue(sys.argv[1])
for number in range(100_000):
    queue.put({"id": f"e{number}", "type": "incident.referred.v1", "data": {"number": number}})
    print(number, flush=True)
"""


def test_what_was_put_before_kill_9_is_there(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITES_FOR_EVER, str(tmp_path / "queue")], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(50):
            writer.stdout.readline()
        os.kill(writer.pid, signal.SIGKILL)
        said = 49 + sum(1 for line in writer.stdout if line.endswith("\n"))

    waiting = OfflineQueue(tmp_path / "queue").waiting()
    assert [one.id for one in waiting[: said + 1]] == [f"e{number}" for number in range(said + 1)]


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    _filled(tmp_path, _event(1))
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_broken_line_loses_nothing_and_says_what_waits(tmp_path: Path) -> None:
    queue, line = _filled(tmp_path, _event(1), _event(2)), Line(breaks=["breaks"])
    told = queue.deliver(line)
    assert (told.line, told.waiting, told.taken) == ("no line", 2, ())
    assert [one.id for one in OfflineQueue(tmp_path / "queue").waiting()] == ["e1", "e2"]

    assert queue.deliver(line).taken == ("e1", "e2")
    assert queue.waiting() == []


def test_what_is_done_with_is_no_longer_on_the_disk(tmp_path: Path) -> None:
    with _filled(tmp_path, *[_event(each) | {"data": {"summary": "planted words"}} for each in range(20)]):
        pass
    with OfflineQueue(tmp_path / "queue") as queue:
        queue.deliver(Line())
        assert b"planted words" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_a_refused_event_holds_back_its_own_incident_alone(tmp_path: Path) -> None:
    queue = _filled(tmp_path, _event(1, ref="A"), _event(2, "incident-1", "A"), _event(3, "incident-1"), _event(4))
    line = Line(refuses=["e1"])
    told = queue.deliver(line)
    assert (told.taken, told.refused) == (("e4",), ("e1",))
    shown = {one.id: (one.state, one.held_by, one.fault) for one in queue.waiting()}
    assert shown == {
        "e1": ("refused", None, "/data: mend it"),
        "e2": ("waiting", "e1", None),
        "e3": ("waiting", "e1", None),
    }

    line.refuses.clear()
    queue.mend(_event(1, ref="A") | {"data": {"mended": True}})
    assert queue.deliver(line).taken == ("e1", "e2", "e3")


def test_a_discarded_event_lets_go_what_stands_behind_it(tmp_path: Path) -> None:
    queue = _filled(tmp_path, _event(1, "incident-1"), _event(2, "incident-1"))
    queue.deliver(Line(refuses=["e1"]))
    queue.discard("e1")
    assert queue.deliver(Line()).taken == ("e2",)
    with pytest.raises(KeyError):
        queue.discard("e2")


def test_a_number_of_our_own_and_the_incident_it_became_are_one_incident(tmp_path: Path) -> None:
    queue = _filled(tmp_path, _event(1, "incident-1", "A"))
    queue.deliver(Line())
    queue.put(_event(2, ref="A"))
    queue.put(_event(3, "incident-1"))
    queue.deliver(Line(refuses=["e2"]))
    assert [one.held_by for one in queue.waiting()] == [None, "e2"]


@pytest.mark.parametrize(
    "failure", [CredentialsRefused("invalid_client"), Refused(403, {"title": "Not permitted"})], ids=["key", "agency"]
)
def test_what_is_no_events_own_fault_lets_everything_wait(tmp_path: Path, failure: Exception) -> None:
    queue, line = _filled(tmp_path, _event(1), _event(2)), Line()
    line.whole = failure
    assert queue.deliver(line).line == str(failure)
    assert [one.state for one in queue.waiting()] == ["waiting", "waiting"]


def test_the_same_again_changes_nothing_and_another_under_its_id_is_told(tmp_path: Path) -> None:
    queue = _filled(tmp_path, _event(1))
    queue.put(_event(1))
    with pytest.raises(IdUsed):
        queue.put(_event(1) | {"data": {"other": 1}})
    queue.deliver(Line())
    queue.put(_event(1))
    assert queue.waiting() == []


def test_one_process_delivers_at_a_time(tmp_path: Path) -> None:
    queue = _filled(tmp_path, _event(1))

    class Nested(Line):
        def publish_all(self, events: Sequence[Mapping[str, Any]], *, wait: float = 0) -> list[Receipt]:
            with pytest.raises(BeingDelivered):
                OfflineQueue(tmp_path / "queue").deliver(Line())
            return super().publish_all(events)

    assert queue.deliver(Nested()).taken == ("e1",)


@given(
    subjects=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=30),
    breaks=st.lists(st.sampled_from(["breaks", "breaks after", "holds"]), max_size=8),
    refused=st.sets(st.integers(0, 29), max_size=4),
)
def test_each_incidents_events_are_taken_once_and_in_their_order(
    subjects: list[str], breaks: list[str], refused: set[int]
) -> None:
    line = Line(breaks, [f"e{number}" for number in refused])
    with TemporaryDirectory() as folder, OfflineQueue(Path(folder) / "queue") as queue:
        for number, subject in enumerate(subjects):
            queue.put(_event(number, subject))
        for _ in range(len(breaks) + 1):
            queue.deliver(line)
        line.breaks.clear()
        while held := [one.id for one in queue.waiting() if one.state == "refused"]:
            line.refuses.clear()
            for each in held:
                number = int(each[1:])
                queue.mend(_event(number, subjects[number]))
            queue.deliver(line)
        assert queue.waiting() == []
    for subject in set(subjects):
        mine = [f"e{number}" for number, each in enumerate(subjects) if each == subject]
        assert [each for each in line.taken if each in mine] == mine
