"""Run the whole stack on this machine, in one folder; Ctrl-C stops it and a second start finds its data.

`clean` removes every such folder and all that is in it.
"""

import argparse
import shutil
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType

from infra.agencies import AGENCIES
from infra.local.backbone import PORT_SETTING, STATE
from infra.local.failures import CannotStart
from infra.local.home import Home
from infra.local.ports import StackPorts
from infra.local.services import SERVICES, Service
from infra.local.stack import HEALTHY_SECONDS, IDENTITIES, Stack
from infra.local.terminal import Terminal


def main(services: Sequence[Service] = SERVICES) -> int:
    told = _arguments()
    terminal = Terminal()
    return _clean(terminal) if told.what == "clean" else _run(told, terminal, services)


def _run(told: argparse.Namespace, terminal: Terminal, services: Sequence[Service]) -> int:
    try:
        stack = Stack(
            told.home,
            StackPorts() if told.ports_from is None else StackPorts.from_(told.ports_from),
            clock_start=told.clock_start,
            agencies=told.agencies,
            identities=told.identities,
            services=services,
            terminal=terminal,
        )
    except CannotStart as failure:
        terminal.fail(str(failure))
        return 1
    asked_to_stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _raise_interrupt)
    begun = time.monotonic()
    try:
        stack.start()
        stack.wait_healthy(HEALTHY_SECONDS)
        terminal.say(f"all healthy after {time.monotonic() - begun:.1f} s")
        terminal.places("Where everything is (Ctrl-C stops it all)", where_everything_is(stack))
        asked_to_stop.wait()
    except CannotStart as failure:
        terminal.fail(str(failure))
        return 1
    except KeyboardInterrupt:
        terminal.say("stopping; what has been recorded is kept")
        return 0
    finally:
        _stop(stack, terminal)
    return 0


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    what = asked.add_subparsers(dest="what", required=True)
    what.add_parser("clean", help="remove all local data")
    run = what.add_parser("run", help="start everything")
    run.add_argument("--home", type=Path, default=STATE / "run", help="the folder that everything lives in")
    run.add_argument(PORT_SETTING, type=_port, metavar="PORT", help="take consecutive ports from this one on")
    run.add_argument(
        "--clock-start", type=_instant, metavar="INSTANT", help="begin the business clock here (for a demo)"
    )
    run.add_argument("--agencies", type=Path, default=AGENCIES, help="the file that names the partner agencies")
    run.add_argument("--identities", type=Path, default=IDENTITIES, help="the file of who may sign in")
    return asked.parse_args()


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() is None:
        raise argparse.ArgumentTypeError("give it with its offset, such as 2020-05-04T08:00:00Z")
    return instant


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text) <= 65000:
        raise argparse.ArgumentTypeError("a port from 1024 to 65000")
    return int(text)


def _clean(terminal: Terminal) -> int:
    """Remove all local data, but none of a stack that runs."""
    try:
        for folder in [path.parent for path in STATE.glob("*/made-by")]:
            with Home(folder).hold(any_version=True):
                shutil.rmtree(folder)
    except CannotStart as failure:
        terminal.fail(str(failure))
        return 1
    shutil.rmtree(STATE, ignore_errors=True)
    return 0


def _raise_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop(stack: Stack, terminal: Terminal) -> None:
    """Stop cleanly; asked a second time, at once."""

    def at_once(number: int, frame: FrameType | None) -> None:
        terminal.say("stopping at once; the next start recovers")
        stack.kill_all()

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, at_once)
    stack.stop()
    terminal.say("stopped")


def where_everything_is(stack: Stack) -> list[tuple[str, str, str]]:
    """What, where, and a note on how to get in."""
    secrets, logs, mail = (_from_here(path) for path in (stack.home.secrets, stack.home.logs, stack.maildir))
    identities = _from_here(stack.home.folder / "issuer" / "identities")
    authority = _from_here(stack.kafka.authority)
    services = [(name, url, "") for name, url in sorted(stack.urls.items()) if name != "issuer"]
    return [
        *services,
        ("issuer", stack.urls["issuer"], f"people: {identities}/passwords; systems: {identities}/keys"),
        ("agencies' clients", _from_here(stack.connections), "a connection file each: sx doctor <file>"),
        ("Kafka for agencies", stack.kafka.agencies_bootstrap, f"SASL_SSL, SCRAM-SHA-512; trust {authority}"),
        ("Kafka for services", stack.kafka.bootstrap, f"passwords: {secrets}/kafka-<user>; of an agency: agency.<id>"),
        ("PostgreSQL", stack.postgres.address, f"passwords: {secrets}/postgres-<database>-<owner or runtime>"),
        ("e-mail sent", mail, "a maildir"),
        ("logs", logs, ""),
    ]


def _from_here(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    sys.exit(main())
