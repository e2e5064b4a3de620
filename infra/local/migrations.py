"""Bringing services' databases up to date before they start, and writing the first facts of the directory."""

import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra.local.environment import migrations_environment
from infra.local.failures import CannotStart
from infra.local.services import ROOT, Service, module_command, plain_environment
from infra.postgres.provision import ServiceDatabase

AT_ONCE = 2


def migrate(services: Sequence[Service], databases: Mapping[str, ServiceDatabase]) -> None:
    """Run each service's migrations. Raises CannotStart with what the first that failed said."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for failure in pool.map(lambda service: _migrate_one(service, databases), services):
            if failure:
                raise CannotStart(failure)


def bootstrap(
    services: Sequence[Service], databases: Mapping[str, ServiceDatabase], agencies: Path, clock: Path | None = None
) -> None:
    """Have the gateway's directory begin with what is in `agencies`; what is there already stays. Raises CannotStart.

    Done with the runtime role, as an operator does it; `clock` is the stack's movable clock, where it has one.
    """
    if not any(service.name == "gateway" for service in services):
        return
    told = plain_environment() | {"SX_DATABASE_URL": databases["gateway"].runtime_url}
    if clock is not None and clock.exists():
        told["SX_CLOCK_FILE"] = str(clock)
    command = module_command("services.gateway.bootstrap", str(agencies))
    done = subprocess.run(command, env=told, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(f"The directory could not be begun from {agencies}:\n{done.stdout}{done.stderr}")


def _migrate_one(service: Service, databases: Mapping[str, ServiceDatabase]) -> str | None:
    if not service.databases:
        return None
    package = service.module.rpartition(".")[0]
    done = subprocess.run(
        module_command(f"{package}.migrations"),
        env=migrations_environment(service, databases),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    return f"The {service.name} service's database could not be brought up to date:\n{done.stdout}{done.stderr}"
