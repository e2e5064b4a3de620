"""The folder that one stack lives in: held by one run at a time, and recovered after a run that was killed."""

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.local.failures import CannotStart, about_disk
from infra.local.jars import KAFKA_VERSION
from infra.local.postgres import VERSION as POSTGRES_VERSION
from infra.local.processes import ChildProcess, end_orphan

LAYOUT = 1
PRIVATE = ("kafka", "logs", "services", "issuer", "secrets")
"""Folders for the owner's eyes alone: the broker's own files hold what agencies have just sent, names and all."""

MADE_BY = f"layout {LAYOUT}, Kafka {KAFKA_VERSION}, PostgreSQL {POSTGRES_VERSION}"


class Home:
    """A state folder, locked by `hold`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.secrets = self.folder / "secrets"
        self.logs = self.folder / "logs"
        self._processes = self.folder / "processes.json"
        self._noting = threading.Lock()

    @contextlib.contextmanager
    def hold(self, *, any_version: bool = False) -> Iterator[None]:
        """Hold the folder for this run. Raises CannotStart when another run has it or another version made it.

        The lock is the kernel's, so a run that was killed leaves none; what it left running is ended here.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._close_to_others()
            lock = (self.folder / "lock").open("a+")
        except OSError as error:
            raise about_disk(error, self.folder) or error from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise CannotStart(
                    f"Process {lock.read().strip() or 'unknown'} already runs the stack in {self.folder}: stop it there"
                    " (Ctrl-C), or name another folder with --home."
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            if not any_version:
                self._require_version()
            self.end_orphans()
            try:
                yield
            finally:
                self._processes.unlink(missing_ok=True)

    def _close_to_others(self) -> None:
        """PostgreSQL, which does not run as root, may still have to pass through the folder itself."""
        self.folder.chmod(self.folder.stat().st_mode & 0o711 | 0o700)
        for name in PRIVATE:
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
            (self.folder / name).chmod(0o700)

    def remember(self, processes: Iterable[ChildProcess | None]) -> None:
        """Note what runs now, so that the next run can end it should this one be killed."""
        running = [[one.pid, one.started_at] for one in processes if one is not None]
        with self._noting:
            unfinished = self._processes.with_suffix(".new")
            unfinished.write_text(json.dumps(running))
            unfinished.replace(self._processes)

    def end_orphans(self) -> int:
        """End what a killed run left behind; how many there were."""
        try:
            noted = json.loads(self._processes.read_text())
        except (FileNotFoundError, ValueError):
            return 0
        return sum(end_orphan(pid, started_at) for pid, started_at in reversed(noted))

    def _require_version(self) -> None:
        note = self.folder / "made-by"
        if not note.exists():
            note.write_text(MADE_BY + "\n")
        elif (made_by := note.read_text().strip()) != MADE_BY:
            raise CannotStart(
                f"{self.folder} was made by another version ({made_by}; this one is {MADE_BY}): move it away to keep"
                " it, or remove it with `make clean`, then start again."
            )
