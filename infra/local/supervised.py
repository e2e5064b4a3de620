"""A process that is kept running: its lines told under its name, and started again, with backoff, when it dies."""

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes import ChildProcess, start

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
RAN_WELL_SECONDS = 60.0
LARGEST_LOG_BYTES = 10_000_000

Tell = Callable[[str, str], None]


@dataclass(frozen=True)
class Program:
    """What to run: `name` is told before its lines, `port` is where it answers."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    port: int
    folder: Path


@dataclass(frozen=True)
class Standing:
    """How a process stands. `pid` is None while it does not run; `restarts` counts how often it was begun again."""

    name: str
    pid: int | None
    port: int
    restarts: int


class Supervised:
    """Keeps one program running in a thread of its own, from `begin` to `end`."""

    def __init__(self, program: Program, tell: Tell, log: Path, started: Callable[[], None] = lambda: None) -> None:
        self.program = program
        self._tell = tell
        self._log = log
        self._started = started
        self._child: ChildProcess | None = None
        self._asked_to_end = threading.Event()
        self._restarts = 0
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start it, and again whenever it dies, until `end`."""
        if self._thread is not None and self._thread.is_alive():
            raise RuntimeError(f"{self.program.name} runs already")
        self._asked_to_end.clear()
        self._thread = threading.Thread(target=self._keep_running, name=f"keeps {self.program.name}", daemon=True)
        self._thread.start()

    def ask_to_end(self) -> None:
        """Ask it to stop, without waiting; it is not started again."""
        self._asked_to_end.set()
        if self._child is not None:
            self._child.ask_to_end(signal.SIGTERM)

    def end(self, seconds: float = 10) -> None:
        """Stop it and wait: after `seconds` it is killed."""
        self.ask_to_end()
        if self._thread is None:
            return
        self._thread.join(seconds)
        if self._child is not None:
            self._child.kill()
        self._thread.join()

    def kill(self) -> None:
        """`kill -9` what runs now; it is started again at once unless it was asked to end."""
        if self._child is not None:
            self._child.kill()

    def standing(self) -> Standing:
        child = self._child
        pid = child.pid if child is not None and child.is_alive() else None
        return Standing(self.program.name, pid, self.program.port, self._restarts)

    @property
    def child(self) -> ChildProcess | None:
        return self._child

    def _keep_running(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._asked_to_end.is_set():
            begun = time.monotonic()
            self._run_once()
            if self._asked_to_end.is_set():
                return
            if time.monotonic() - begun > RAN_WELL_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            self._tell(self.program.name, f"ended ({self._how_it_ended()}); starting it again in {pause:.1f} s")
            self._asked_to_end.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._restarts += 1

    def _run_once(self) -> None:
        program = self.program
        try:
            self._child = child = start(program.command, environment=program.environment, folder=program.folder)
        except OSError as error:
            self._tell(program.name, f"could not be started: {error.strerror}")
            return
        self._started()
        if self._asked_to_end.is_set():  # asked while it was being forked
            child.ask_to_end(signal.SIGTERM)
        if child.output is None:
            raise RuntimeError("its output was not piped")
        with child.output, LogFile(self._log) as log:
            for raw in child.output:
                log.write(raw)
                self._tell(program.name, raw.decode(errors="replace").rstrip())
        child.wait()

    def _how_it_ended(self) -> str:
        status = None if self._child is None else self._child.exit_status
        if status is None:
            return "never began"
        return f"signal {-status}" if status < 0 else f"status {status}"


class LogFile:
    """A log that is never much longer than `LARGEST_LOG_BYTES`: the part before is kept beside it, and no other."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab")

    def write(self, line: bytes) -> None:
        """Append one line, so that it can be read at once."""
        if self._file.tell() > LARGEST_LOG_BYTES:
            self._file.close()
            self._path.replace(self._path.with_suffix(".1.log"))
            self._file = self._path.open("ab")
        self._file.write(line)
        self._file.flush()

    def __enter__(self) -> "LogFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
