"""Play serious incidents through the real stack, on ports and in a folder of its own: what `make demo` runs."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import httpx

from infra.demo.act import read_acts
from infra.demo.checker import EXPECTATIONS, BadExpectation
from infra.demo.clock_mover import NotQuiet
from infra.demo.exports import NotCopied
from infra.demo.feeds import FeedUnreadable
from infra.demo.reading import NotReadable
from infra.demo.run import run
from infra.demo.scenarios import BadScenario, read_scenarios
from infra.demo.signing_in import SignInFailed
from infra.local.backbone import PORT_SETTING, STATE
from infra.local.failures import CannotStart
from infra.local.ports import StackPorts

FIRST_PORT = 18080
NOT_PLAYED = (NotQuiet, SignInFailed, NotReadable, NotCopied, FeedUnreadable, httpx.HTTPError)


def main(words: Sequence[str] | None = None) -> int:
    """The exit status: 0 if everything came out as expected, 1 if not, 2 if it could not be played."""
    names = [scenario.name for scenario in (*read_scenarios(), *read_acts())]
    asked = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    asked.add_argument("--home", type=Path, default=STATE / "demo", help="its folder, wiped at the start")
    asked.add_argument(PORT_SETTING, type=int, default=FIRST_PORT, metavar="PORT", help="consecutive ports from here")
    asked.add_argument("--expectations", type=Path, default=EXPECTATIONS, help="what is expected, a file a scenario")
    asked.add_argument("--only", nargs="+", default=(), choices=names, metavar="SCENARIO", help="play only these")
    told = asked.parse_args(words)
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _interrupted)
    try:
        outcome = run(told.home, StackPorts.from_(told.ports_from), told.expectations, told.only)
    except (CannotStart, BadScenario, BadExpectation, *NOT_PLAYED) as failure:
        print(failure, file=sys.stderr)
        if isinstance(failure, NOT_PLAYED):
            print(f"The services' logs are in {told.home / 'logs'}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped before its end", file=sys.stderr)
        return 2
    for one in outcome.every_difference:
        print(one.sentence(), file=sys.stderr)
    print(outcome.line())
    return outcome.status


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
