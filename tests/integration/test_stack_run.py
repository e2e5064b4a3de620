"""What a person sees who runs the stack, and what is left when it has been told to stop: nothing but data."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.local.backbone import STATE
from infra.local.ports import LOOPBACK, StackPorts, free_ports
from infra.local.processes import ChildProcess, start

RUN = "import sys; from infra.local.__main__ import main; sys.exit(main(services=()))"
"""`python -m infra.local` with its servers, mail and issuer alone: the services have tests of their own."""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = STATE / f"test-{os.getpid()}-run"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def first_of_free_ports() -> int:
    """A port from which on as many are free as a stack needs."""
    while True:
        first = free_ports(1)[0]
        try:
            for port in vars(StackPorts.from_(first)).values():
                socket.create_server((LOOPBACK, port)).close()
        except OSError:
            continue
        return first


def run(home: Path, *words: str) -> ChildProcess:
    return start([sys.executable, "-c", RUN, "run", "--home", home, *words], environment=os.environ)


def told_until(running: ChildProcess, words: str) -> list[str]:
    """What it prints, up to the line that has `words`."""
    assert running.output is not None
    lines: list[str] = []
    for raw in running.output:
        lines.append(raw.decode().rstrip())
        if words in lines[-1]:
            return lines
    raise AssertionError("\n".join(lines))


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_everything_is_and_stops_all_of_it_cleanly(home: Path, with_signal: signal.Signals) -> None:
    running = run(home, "--ports-from", str(first_of_free_ports()))
    try:
        lines = told_until(running, "logs")
        begun = psutil.Process(running.pid).children(recursive=True)
        assert {"postgres", "java"} <= {process.name() for process in begun}
        running.ask_to_end(with_signal)
        lines += told_until(running, "stopped")
        assert running.wait() == 0
    finally:
        running.end()
    assert not [process for process in begun if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    text = "\n".join(lines)
    assert re.search(r"all healthy after \d+\.\d s", text)
    assert re.search(r"Kafka for agencies +localhost:\d+\n +SASL_SSL, SCRAM-SHA-512; trust \S+authority\.pem", text)
    # The first run makes topics, users and grants; the second finds them, and all its data, there.
    assert ("were made" in text) is (with_signal == signal.SIGINT)
    for secret in (home / "secrets").iterdir():
        assert secret.is_dir() or secret.read_text() not in text


def test_a_taken_port_is_a_sentence_and_nothing_is_left_running(home: Path) -> None:
    first = first_of_free_ports()
    with socket.create_server((LOOPBACK, StackPorts.from_(first).postgres)) as held:
        done = subprocess.run(
            [sys.executable, "-c", RUN, "run", "--home", str(home), "--ports-from", str(first)],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == 1
        assert f"Port {held.getsockname()[1]}, which postgres needs, is taken by " in done.stdout
        assert "--ports-from" in done.stdout
        assert "Traceback" not in done.stdout + done.stderr


def test_a_business_clock_begins_at_the_instant_asked_for(home: Path) -> None:
    running = run(home, "--ports-from", str(first_of_free_ports()), "--clock-start", "2020-05-04T08:00:00Z")
    try:
        told_until(running, "all healthy")
        assert '"business": "2020-05-04T08:00:00+00:00"' in (home / "clock.jsonl").read_text()
    finally:
        running.ask_to_end(signal.SIGTERM)
        told_until(running, "stopped")
        running.end()
