"""Runs a service as it is, and lets the bench look into it: SIGUSR1 begins a profile, and again ends and writes it.

    python -m tests.bench.profiled services.gateway.app

Until the signal comes nothing is different from the service's own `main`.
"""

import cProfile
import importlib
import os
import signal
import sys
import time
from pathlib import Path

from tests.bench.profiling import written

PROFILE = "profile.txt"
"""In the process's own state folder."""


def main() -> None:
    """Runs the service whose module is named on the command line."""
    profile = cProfile.Profile(time.thread_time)
    going = False

    def turn(*_: object) -> None:
        nonlocal going
        if going:
            profile.disable()
            written(profile, Path(os.environ["SX_STATE_DIR"]) / PROFILE)
            profile.clear()
        else:
            profile.enable()
        going = not going

    signal.signal(signal.SIGUSR1, turn)
    importlib.import_module(sys.argv[1]).main()


if __name__ == "__main__":
    main()
