"""Bringing services' databases up to date, with the owner's role, before they start."""

import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from infra.local.environment import migrations_environment
from infra.local.failures import CannotStart
from infra.local.services import ROOT, Service, module_command
from infra.postgres.provision import ServiceDatabase

AT_ONCE = 2


def migrate(services: Sequence[Service], databases: Mapping[str, ServiceDatabase]) -> None:
    """Run each service's migrations. Raises CannotStart with what the first that failed said."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for failure in pool.map(lambda service: _migrate_one(service, databases), services):
            if failure:
                raise CannotStart(failure)


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
