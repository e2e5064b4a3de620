"""The embedded issuer as a process of its own, for tests that need one."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.issuer.identities import Installed, ensure_identities
from infra.local.ports import free_ports

IDENTITIES = Path("infra/demo/identities.toml").resolve()


@dataclass(frozen=True)
class RunningIssuer:
    """Where it answers, where it keeps what was made for its clients, and what it logged."""

    url: str
    installed: Installed
    state: Path

    @property
    def log(self) -> str:
        return (self.state / "log").read_text()


@contextmanager
def running_issuer(state: Path, port: int | None = None) -> Iterator[RunningIssuer]:
    """An issuer of the demo's identities, ended in order."""
    port = port or free_ports(1)[0]
    url = f"http://127.0.0.1:{port}"
    environ = os.environ | {
        "SX_HTTP_PORT": str(port),
        "SX_ISSUER": url,
        "SX_STATE_DIR": str(state),
        "SX_IDENTITIES_FILE": str(IDENTITIES),
    }
    with (state / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "infra.issuer"], env=environ, stderr=log, stdout=log)
    try:
        _wait_until_live(url)
        yield RunningIssuer(url, ensure_identities(IDENTITIES, state), state)
    finally:
        process.terminate()
        assert process.wait(20) == 0, "told to stop, it ends in order"


def _wait_until_live(url: str) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/health/live", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the issuer did not start within 30 s")
