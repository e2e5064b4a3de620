"""A process that dies is started again, its lines are told readably, and it never outlives who started it."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from infra.local import supervised
from infra.local.ports import StackPorts
from infra.local.repeats import QUIET_SECONDS, Repeats
from infra.local.services import SERVICES
from infra.local.supervised import LogFile, Program, Supervised


def eventually(true: Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.02)
    return true()


@contextmanager
def kept_running(tmp_path: Path, code: str) -> Iterator[tuple[Supervised, list[str]]]:
    lines: list[str] = []
    program = Program("toy", [sys.executable, "-uc", code], dict(os.environ), 0, tmp_path)
    one = Supervised(program, lambda name, line: lines.append(line), tmp_path / "logs" / "toy.log")
    one.begin()
    try:
        yield one, lines
    finally:
        one.end(seconds=5)


SLEEPER = "print('here', flush=True); import time; time.sleep(60)"


def test_a_killed_process_is_started_again(tmp_path: Path) -> None:
    with kept_running(tmp_path, SLEEPER) as (one, lines):
        assert eventually(lambda: lines == ["here"])
        first = one.standing()
        one.kill()
        assert eventually(lambda: lines[-1:] == ["here"] and len(lines) == 3)
        assert lines[1] == "ended (signal 9); starting it again in 0.5 s"
        again = one.standing()
        assert again.restarts == 1
        assert again.pid not in (None, first.pid)
    assert one.standing().pid is None
    assert (tmp_path / "logs" / "toy.log").read_text() == "here\nhere\n"


def test_each_pause_before_the_next_start_is_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "FIRST_PAUSE_SECONDS", 0.01)
    with kept_running(tmp_path, "raise SystemExit(3)") as (_, lines):
        assert eventually(lambda: len(lines) >= 5)
    pauses = [float(line.split()[-2]) for line in lines if line.startswith("ended (status 3)")]
    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0]


def test_a_process_that_was_asked_to_end_stays_ended(tmp_path: Path) -> None:
    with kept_running(tmp_path, SLEEPER) as (one, lines):
        assert eventually(lambda: lines == ["here"])
        one.end()
        assert one.standing().pid is None
        one.begin()
        assert eventually(lambda: lines == ["here", "here"])


def test_a_process_that_will_not_end_is_killed_with_its_children(tmp_path: Path) -> None:
    deaf = "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    deaf += "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    deaf += "print(child.pid, flush=True); time.sleep(60)"
    with kept_running(tmp_path, deaf) as (one, lines):
        assert eventually(lambda: bool(lines))
        one.end(seconds=0.2)
        assert not psutil.pid_exists(int(lines[0]))


def test_a_signal_at_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    """Ctrl-C goes to the whole foreground group: the stack alone must hear it, and stop the others in order."""
    with kept_running(tmp_path, SLEEPER) as (one, lines):
        assert eventually(lambda: lines == ["here"])
        pid = one.standing().pid
        assert pid is not None
        assert os.getpgid(pid) != os.getpgid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to the thread that forked it")
def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    with kept_running(tmp_path, SLEEPER) as (one, lines):
        assert eventually(lambda: lines == ["here"])
        one.end()
        lines.clear()
        asking = threading.Thread(target=one.begin)
        asking.start()
        asking.join()
        assert eventually(lambda: lines == ["here"])
        time.sleep(0.3)
        assert one.standing().restarts == 0


def test_lines_that_say_the_same_are_told_once_with_how_many_there_were() -> None:
    now = [0.0]
    repeats = Repeats(lambda: now[0])
    assert repeats.worth_telling("12:00 no broker at 1") == "12:00 no broker at 1"
    assert [repeats.worth_telling(f"12:0{second} no broker at 1") for second in range(3)] == [None] * 3
    assert repeats.worth_telling("12:01 something else") == "12:01 something else"
    now[0] = QUIET_SECONDS + 1
    assert repeats.worth_telling("12:11 no broker at 1") == "12:11 no broker at 1 (and 3 more like it)"


def test_a_log_never_fills_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "LARGEST_LOG_BYTES", 1000)
    with LogFile(tmp_path / "one.log") as log:
        for _ in range(100):
            log.write(b"x" * 99 + b"\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.1.log", "one.log"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3000


def test_no_two_parts_of_a_stack_share_a_port() -> None:
    for ports in (StackPorts(), StackPorts.from_(19000), StackPorts.free()):
        assert len(set(vars(ports).values())) == len(vars(ports))
    assert StackPorts.from_(19000).gateway == 19000


def test_every_process_has_a_name_and_a_port_of_its_own() -> None:
    names = [name for service in SERVICES for name in service.processes]
    ports = [port for service in SERVICES for port in service.ports]
    assert len(set(names)) == len(names) == len(set(ports))
    assert all(hasattr(StackPorts(), port) for port in ports)
    assert [name for name in names if name.startswith("gateway")] == ["gateway", "gateway-2"]
