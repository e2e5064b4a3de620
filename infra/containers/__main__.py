"""What the containers of docker-compose.yml run: `prepare` the rooms, `provision` the servers, `serve` one process."""

import argparse
import json
import os
import sys
from pathlib import Path

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from infra.agencies import AGENCIES, read_agencies
from infra.containers.rooms import ENVIRONMENT, KAFKA, ROOM, Rooms, program
from infra.kafka.declared import declared
from infra.kafka.provision import ProvisioningFailed, agencies_on, provision
from infra.kafka.server import ADMIN, MECHANISM
from infra.local.failures import CannotStart
from infra.local.migrations import bootstrap, migrate
from infra.local.services import SERVICES
from infra.postgres.provision import provision_database

ROOMS = Rooms(Path("/rooms"))


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m infra.containers", description=__doc__)
    what = asked.add_subparsers(dest="what", required=True)
    what.add_parser("prepare", help="fill every container's room with its settings and secrets")
    what.add_parser("provision", help="make topics, users, grants, databases and roles, and migrate")
    what.add_parser("serve", help="run one process").add_argument("process")
    told = asked.parse_args()
    match told.what:
        case "prepare":
            ROOMS.prepare()
        case "provision":
            return _provision()
        case "serve":
            _serve(told.process)
    return 0


def _provision() -> int:
    try:
        for name in ROOMS.databases():
            provision_database(ROOMS.postgres_admin_url, name, **ROOMS.passwords(name))
        migrate(SERVICES, ROOMS.databases())
        bootstrap(SERVICES, ROOMS.databases(), AGENCIES)
        admin = KafkaAdminClient(
            bootstrap_servers=KAFKA,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism=MECHANISM,
            sasl_plain_username=ADMIN,
            sasl_plain_password=ROOMS.kafka_password(ADMIN),
        )
        try:
            changes = provision(admin, declared({*read_agencies(), *agencies_on(admin)}), ROOMS.kafka_password)
        finally:
            admin.close()
    except (CannotStart, KafkaError, ProvisioningFailed) as failure:
        print(failure, file=sys.stderr)
        return 1
    print("\n".join(changes.made) or "The servers agree already.")
    return 0


def _serve(process: str) -> None:
    """Become the process: it is told what is in its own room, and nothing else."""
    told = Path(ROOM) / ENVIRONMENT
    environment = dict(os.environ) | (json.loads(told.read_text()) if told.exists() else {})
    os.execve(sys.executable, [sys.executable, "-m", *program(process)], environment)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main())
