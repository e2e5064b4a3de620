"""A child process that never outlives us: its own group, ended by signal, and on Linux also when we are killed."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

PR_SET_PDEATHSIG = 1  # linux/prctl.h

# Linux sends the parent-death signal when the *thread* that forked ends, so every child is forked by one thread that
# lives as long as this process.
_forker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")


@dataclass(frozen=True)
class Account:
    """The operating-system user and group that a process runs as."""

    uid: int
    gid: int


class ChildProcess:
    """One running program in a process group of its own."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen = popen
        self.started_at = psutil.Process(popen.pid).create_time()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def output(self) -> IO[bytes] | None:
        """What it prints, where it was asked to be piped."""
        return self._popen.stdout

    @property
    def exit_status(self) -> int | None:
        return self._popen.poll()

    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def wait(self) -> int:
        """Its exit status, once it has ended; minus the signal's number when one ended it."""
        return self._popen.wait()

    def ask_to_end(self, with_signal: int = signal.SIGTERM) -> None:
        """Signal the program alone: it ends its own children in its own order."""
        if self.is_alive():
            self._popen.send_signal(with_signal)

    def end(self, with_signal: int = signal.SIGTERM, seconds: float = 15) -> None:
        """Ask, wait `seconds`, then kill whatever of the group is left. Returns when it has gone."""
        self.ask_to_end(with_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to it, its group and all below it: what a power cut looks like."""
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.pid).children(recursive=True)  # PostgreSQL's workers lead groups of their own
            _kill_group(self.pid)
            for process in below:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(below, timeout=5)
        self._popen.wait()


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def start(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    log: Path | None = None,
    folder: Path | None = None,
    account: Account | None = None,
    orphan_signal: int = signal.SIGTERM,
) -> ChildProcess:
    """Start `command`; what it prints goes to `log`, or to the child's `output` when there is none.

    `orphan_signal` is what the kernel sends it should this process die (Linux).
    """
    run_as = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}

    def fork() -> "subprocess.Popen[bytes]":
        destination: int | IO[bytes] = subprocess.PIPE if log is None else log.open("ab")
        try:
            return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=destination,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
                preexec_fn=_die_with_parent(orphan_signal),  # noqa: PLW1509 - it makes two system calls, and no other
                **run_as,
            )
        finally:
            if not isinstance(destination, int):
                destination.close()

    return ChildProcess(_forker.submit(fork).result())


def _die_with_parent(orphan_signal: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork: nothing may be imported after it
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, orphan_signal)
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return ask_the_kernel


def end_orphan(pid: int, started_at: float, *, seconds: float = 10) -> bool:
    """End the process that a killed run left behind, with its group; false when it is gone or the pid is another's."""
    try:
        process = psutil.Process(pid)
        if abs(process.create_time() - started_at) > 1:
            return False
        process.terminate()
        try:
            process.wait(seconds)
        except psutil.TimeoutExpired:
            _kill_group(pid)
    except psutil.NoSuchProcess:
        return False
    return True
