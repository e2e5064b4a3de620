"""The stack that is measured: as `make run` has it, on free ports, in a folder of its own that is gone at the end."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from infra.demo.signing_in import Tokens
from infra.issuer.identities import Installed
from infra.local.backbone import STATE
from infra.local.health import wait_until_ready
from infra.local.home import Home
from infra.local.ports import StackPorts, free_ports, wait_until_answers
from infra.local.processes import ChildProcess, start
from infra.local.services import ROOT, module_command, plain_environment
from infra.local.stack import Stack
from infra.local.supervised import Program
from infra.postgres.provision import run
from tests.bench.load import Outcome, Sender
from tests.bench.profiled import PROFILE
from tests.bench.profiling import FOLDER

SERVICES = ("vault", "notifications", "rapid-review", "delivery", "gateway", "gateway-2")
PREFIX = "bench-"
REBALANCE_SECONDS = 4.0
"""After a process has come or gone, its consumer groups share out their partitions anew."""


class NotMeasured(Exception):
    """Something that was to be measured did not come about; says what."""


class ProfiledStack(Stack):
    """The stack, with services that can be profiled. At full speed: its broker compiles as one that serves does."""

    def _begin(self, program: Program) -> None:
        if program.name in SERVICES:
            command = module_command("tests.bench.profiled", str(program.command[-1]))
            program = replace(program, command=command)
        super()._begin(program)


@dataclass
class Ground:
    """A running stack, and what the bench does to it."""

    stack: Stack
    tokens: Tokens
    reference_url: str
    say: Callable[[str], None]
    quick: bool

    @contextmanager
    def only(self, *running: str) -> Iterator[None]:
        """With the other services stopped, so that they take nothing of the machine."""
        held = [name for name in SERVICES if name not in running]
        for name in held:
            self.stack.hold(name)
        time.sleep(REBALANCE_SECONDS)
        try:
            yield
        finally:
            for name in held:
                self.stack.let_go(name)
            self.ready(held)
            time.sleep(REBALANCE_SECONDS)

    def ready(self, names: Sequence[str]) -> None:
        """Return once these services answer that they are ready. Raises NotMeasured."""
        faults = wait_until_ready({name: self.stack.urls[name] for name in names}, 60, lambda _: None)
        if faults:
            raise NotMeasured(f"not ready: {faults}")

    @contextmanager
    def profile(self, process: str, name: str) -> Iterator[None]:
        """What is profiled of a process goes to `profiles/<name>.txt`. It runs slower meanwhile: do not count it."""
        pid = next(one.pid for one in self.stack.processes() if one.name == process)
        if pid is None:
            raise NotMeasured(f"{process} does not run")
        made = self.stack.home.folder / "services" / process / PROFILE
        made.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR1)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGUSR1)
        self.until(made.exists, 60, f"no profile of {process}")
        FOLDER.mkdir(exist_ok=True)
        shutil.copyfile(made, FOLDER / f"{name}.txt")

    def until(self, true: Callable[[], bool], seconds: float, failing: str, *, pause: float = 0.05) -> float:
        """Seconds until something was true. Raises NotMeasured."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > seconds:
                raise NotMeasured(f"{failing}, after {seconds:.0f} s")
            time.sleep(pause)
        return time.monotonic() - began

    def load(self, senders: Sequence[Sender], seconds: float, *, most: int = 10_000_000, pace: float = 0) -> Outcome:
        """What came of a load, by a generator in its own process. Raises NotMeasured if anything was refused."""
        job = {"senders": [asdict(sender) for sender in senders], "seconds": seconds, "most": most, "pace": pace}
        outcome = Outcome(**child("tests.bench.load", job, seconds + 60))
        if outcome.refused:
            raise NotMeasured(f"the load was refused: {outcome.refused}")
        return outcome

    def rows(self, database: str, question: str, *values: Any) -> list[Any]:
        """What PostgreSQL's super user reads in one of the databases."""
        return list(run(_fetch(self.database_url(database), question, values)))

    def value(self, database: str, question: str, *values: Any) -> Any:
        """The first column of the first row."""
        return self.rows(database, question, *values)[0][0]

    def database_url(self, name: str) -> str:
        """A database as its super user reaches it."""
        return self.stack.postgres.admin_url.rpartition("/")[0] + f"/{name}"

    def published(self) -> bool:
        """Whether all that the gateway has recorded is on Kafka."""
        return bool(self.value("gateway", _PUBLISHED))

    def applied(self) -> bool:
        """Whether notifications has applied every incident's fact that there is."""
        there = dict(self.rows("gateway", _ENDS))
        here = dict(self.rows("notifications", _POSITIONS))
        return self.published() and all(here.get(partition, 0) >= end for partition, end in there.items())

    def quiet(self, seconds: float = 120) -> None:
        """Return once everything is where it belongs. Raises NotMeasured."""
        self.until(lambda: self.applied() and not self.value("gateway", _PARCELS), seconds, "never quiet", pause=0.3)

    def job(self) -> dict[str, Any]:
        """What a child process needs to reach the servers, for `child`."""
        kafka = self.stack.kafka
        return {
            "admin_url": self.stack.postgres.admin_url,
            "quick": self.quick,
            "state_dir": str(self.stack.home.folder / "bench"),
            "kafka": {
                "bootstrap_servers": kafka.bootstrap,
                "security_protocol": kafka.security_protocol,
                "sasl_mechanism": kafka.sasl_mechanism,
                "sasl_plain_username": kafka.admin_username,
                "sasl_plain_password": kafka.admin_password,
            },
        }


_PUBLISHED = """
    select not exists (select from waiting) and p.position >= coalesce((select max(position) from sequence), 0)
    from published p
    """
_ENDS = "select partition, max(position) from sequence where topic = 'safeguarding.incidents' group by partition"
_POSITIONS = "select partition, position from reader_position where topic = 'safeguarding.incidents'"
_PARCELS = "select exists (select from parcel)"


async def _fetch(url: str, question: str, values: Sequence[Any]) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(question, *values))
    finally:
        await connection.close()


def _last(said: bytes) -> str:
    """The last line of what a program said: a whole traceback tells of the machine it ran on."""
    return (said.decode(errors="replace").strip().splitlines() or ["(nothing)"])[-1][:300]


def child(module: str, job: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """What a program of ours answers to a job: one JSON object on its last line. Raises NotMeasured."""
    try:
        done = subprocess.run(
            module_command(module),
            input=json.dumps(job).encode(),
            capture_output=True,
            env=plain_environment(),
            cwd=ROOT,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"{module} did not end within {seconds:.0f} s") from None
    if done.returncode != 0:
        raise NotMeasured(f"{module} failed: {_last(done.stderr)}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@contextmanager
def ground(say: Callable[[str], None], *, quick: bool) -> Iterator[Ground]:
    """A fresh stack with the reference beside it; everything is stopped and removed at the end."""
    remove_leavings()
    home = STATE / f"{PREFIX}{os.getpid()}"
    stack = ProfiledStack(home, StackPorts.free(), quick_start=False)
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, home, ignore_errors=True)
        ending.callback(stack.stop)
        stack.start()
        stack.wait_healthy()
        reference, url = _reference(stack)
        ending.callback(reference.end)
        http = ending.enter_context(httpx.Client(timeout=30))
        tokens = Tokens(stack.urls["issuer"], Installed(stack.home.folder / "issuer" / "identities"), http)
        yield Ground(stack, tokens, url, say, quick)


def _reference(stack: Stack) -> tuple[ChildProcess, str]:
    """The bare handler, in a database and with roles of its own."""
    database = stack.create_database("reference")
    (port,) = free_ports(1)
    url = database.owner_url.replace("postgresql+asyncpg://", "postgresql://")
    told = plain_environment() | {"REFERENCE_DATABASE_URL": url, "REFERENCE_PORT": str(port)}
    log = stack.home.logs / "reference.log"
    process = start(module_command("tests.bench.reference"), environment=told, log=log, folder=ROOT)
    if not wait_until_answers(port, 30, alive=process.is_alive):
        process.kill()
        raise NotMeasured(f"the reference did not start: {log.read_text(errors='replace')[-500:]}")
    return process, f"http://127.0.0.1:{port}"


def remove_leavings() -> None:
    """End and remove what benches left that were killed."""
    for folder in STATE.glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX).partition("-")[0]
        if folder.is_dir() and number.isdecimal() and not psutil.pid_exists(int(number)):
            Home(folder).end_orphans()
            shutil.rmtree(folder, ignore_errors=True)


def conditions() -> dict[str, Any]:
    """The machine, as far as it bears on the figures."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "cores": os.cpu_count(),
        "memory": f"{memory:.0f} GiB",
        "load average at the beginning (1, 5, 15 minutes)": [round(each, 2) for each in os.getloadavg()],
    }


def free_of(path: Path) -> float:
    """Gigabytes that are free where a folder is."""
    return shutil.disk_usage(path).free / 1e9
