"""The table of what `make run` runs, and what each process is told when it starts."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Service:
    """A service: `module` has a `main()`; one process for each port.

    `databases` names what it keeps, by the prefix of the variables that tell it where: `""` for `SX_DATABASE_URL`,
    `"KEYS_"` for `SX_KEYS_DATABASE_URL`.
    """

    name: str
    module: str
    ports: tuple[str, ...]
    databases: Mapping[str, str] = field(default_factory=dict)

    @property
    def processes(self) -> tuple[str, ...]:
        """Names for its processes: the service's own, then with a number."""
        return tuple(self.name if number == 0 else f"{self.name}-{number + 1}" for number in range(len(self.ports)))


SERVICES = (
    Service("vault", "services.vault.app", ("vault",), {"": "vault", "KEYS_": "vault_keys"}),
    Service("notifications", "services.notifications.app", ("notifications",), {"": "notifications"}),
    Service("delivery", "services.delivery.app", ("delivery",), {"": "delivery"}),
    Service("rapid-review", "services.rapid_review.app", ("rapid_review",), {"": "rapid_review"}),
    Service("gateway", "services.gateway.app", ("gateway", "gateway_2"), {"": "gateway"}),
)


def plain_environment() -> dict[str, str]:
    """What every child gets of ours: how to find programs, and nothing that could be a setting or a secret."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}


def module_command(module: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, *words]
