"""The table of what `make run` runs, and what each process is told when it starts."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

from infra.local.backbone import BackbonePorts
from infra.local.ports import LOOPBACK

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
    Service("gateway", "services.gateway.app", ("gateway", "gateway_2"), {"": "gateway"}),
)


@dataclass(frozen=True, kw_only=True)
class StackPorts(BackbonePorts):
    """Every port of a stack, as `make run` has them."""

    gateway: int = 8080
    gateway_2: int = 8081
    vault: int = 8082
    notifications: int = 8083
    issuer: int = 8090
    smtp: int = 8025

    @classmethod
    def from_(cls, first: int) -> Self:
        """Consecutive ports from `first` on: gateway, gateway_2, vault, notifications, issuer, smtp, then Kafka's."""
        own = [name for name in cls.__annotations__ if not name.startswith("_")]
        names = own + [field.name for field in fields(cls) if field.name not in own]
        return cls(**{name: first + place for place, name in enumerate(names)})

    def url(self, part: str) -> str:
        return f"http://{LOOPBACK}:{getattr(self, part)}"


def plain_environment() -> dict[str, str]:
    """What every child gets of ours: how to find programs, and nothing that could be a setting or a secret."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}


def module_command(module: str, *words: str) -> list[str]:
    return [sys.executable, "-m", module, *words]
