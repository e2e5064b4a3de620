"""`make run` itself: how long it takes to all-healthy, and what the whole stack takes of the machine at rest."""

import shutil
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import fields
from pathlib import Path

import psutil

from infra.local.backbone import STATE
from infra.local.ports import LOOPBACK, StackPorts
from infra.local.processes import ChildProcess, start
from infra.local.services import ROOT, module_command, plain_environment
from tests.bench.ground import NotMeasured
from tests.bench.verdicts import Promise, Row

START = Promise("all healthy within 20 s once installed", most=20, of="ours")
PROCESSOR = Promise("at rest under a tenth of a core, for the whole stack", most=0.1, of="ours")
MEMORY = Promise("at rest under 2 GB, for the whole stack", most=2000, of="ours")
PORTS = len(fields(StackPorts))
HEALTHY = b"all healthy"
LONGEST = 180.0


def measure(home: Path, *, quick: bool) -> Iterator[Row]:
    """Started in an empty folder, stopped by Ctrl-C, started again with its data, and then left alone."""
    shutil.rmtree(home, ignore_errors=True)
    settle, window = (5.0, 10.0) if quick else (10.0, 30.0)
    first, stack = _started(home)
    try:
        if not quick:
            _stopped(stack)
            second, stack = _started(home)
        else:
            second = first
        time.sleep(settle)
        used, processes = _processor(stack.pid, window)
        megabytes, detail = _memory(stack.pid)
    finally:
        _stopped(stack)
        shutil.rmtree(home, ignore_errors=True)
    conditions = (
        "`python -m infra.local run`, as `make run` starts it: Kafka, PostgreSQL, mail, issuer, and 6 processes"
    )
    times = f"{first:.1f} s in an empty folder, {second:.1f} s with its data there"
    at_rest = f"over {window:.0f} s, nobody asking anything, {settle:.0f} s after all were healthy; supervisor included"
    note = "--quick: one start, in an empty folder" if quick else times
    yield Row("start to all healthy", START, "s", max(first, second), None, conditions, note)
    yield Row("processor at rest", PROCESSOR, "cores", used, None, f"{conditions}; {at_rest}", processes)
    shared = "memory shared between processes counted once (PSS)"
    yield Row("memory at rest", MEMORY, "MB", megabytes, None, f"{conditions}; {shared}", detail)


def _started(home: Path) -> tuple[float, ChildProcess]:
    """Seconds until it says that all is healthy."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "run.log"
    log.unlink(missing_ok=True)
    words = ("run", "--home", str(home), "--ports-from", str(_free_ports()))
    began = time.monotonic()
    process = start(module_command("infra.local", *words), environment=plain_environment(), log=log, folder=ROOT)
    while HEALTHY not in log.read_bytes():
        if not process.is_alive() or time.monotonic() - began > LONGEST:
            process.end(signal.SIGINT)
            raise NotMeasured(f"the stack never became healthy: {log.read_text(errors='replace')[-800:]}")
        time.sleep(0.05)
    return time.monotonic() - began, process


def _stopped(process: ChildProcess) -> None:
    process.end(signal.SIGINT, 40)


def _free_ports() -> int:
    """The first of so many consecutive ports that nobody listens on just now."""
    for first in range(21_000, 32_000, PORTS):
        with suppress(OSError), ExitStack() as held:
            for port in range(first, first + PORTS):
                held.enter_context(socket.create_server((LOOPBACK, port)))
            return first
    raise NotMeasured(f"no {PORTS} free ports in a row")


def _tree(pid: int) -> list[psutil.Process]:
    whole = psutil.Process(pid)
    return [whole, *whole.children(recursive=True)]


def _processor(pid: int, seconds: float) -> tuple[float, str]:
    """Cores that all of it used on average, and which processes most of it."""
    before = _spent(_tree(pid))
    began = time.monotonic()
    time.sleep(seconds)
    after = _spent(_tree(pid))
    took = time.monotonic() - began
    each = {name: spent - before.get(name, 0.0) for name, spent in after.items()}
    most = sorted(each.items(), key=lambda item: -item[1])[:8]
    return sum(each.values()) / took, ", ".join(f"{name} {spent / took:.3f}" for name, spent in most)


def _spent(processes: Sequence[psutil.Process]) -> dict[str, float]:
    """Seconds of processor, by what runs."""
    spent: dict[str, float] = {}
    for one in processes:
        try:
            times = one.cpu_times()
            name = _name(one)
        except psutil.NoSuchProcess:
            continue
        spent[name] = spent.get(name, 0.0) + times.user + times.system
    return spent


def _memory(pid: int) -> tuple[float, str]:
    held: dict[str, float] = {}
    for one in _tree(pid):
        try:
            name = _name(one)
            held[name] = held.get(name, 0.0) + one.memory_full_info().pss / 1e6
        except psutil.NoSuchProcess:
            continue
    most = sorted(held.items(), key=lambda item: -item[1])
    return sum(held.values()), ", ".join(f"{name} {size:.0f}" for name, size in most)


def _name(process: psutil.Process) -> str:
    words = process.cmdline()
    if "-m" in words:
        module = words[words.index("-m") + 1]
        return module.removeprefix("services.").removesuffix(".app")
    return process.name()


def home_for(pid: int) -> Path:
    """A folder that a killed bench's successor finds and removes."""
    return STATE / f"bench-{pid}-standing"
