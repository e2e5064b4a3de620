"""Where the broker and the sign-in provider are: those of `make run`, or such as the command line says."""

import argparse
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import KafkaAdminClient

from infra.credentials.attempts import Door
from infra.credentials.https import HttpsCredentials
from infra.credentials.kafka import KafkaCredentials
from infra.credentials.told import NotNow
from infra.issuer.identities import Installed, read_identities
from infra.kafka.server import ADMIN
from infra.local.backbone import PORT_SETTING, STATE
from infra.local.ports import LOOPBACK, StackPorts
from infra.local.stack import IDENTITIES


@dataclass(frozen=True)
class Places:
    """An installation, as this command reaches it. `issuer_state` is None where the issuer is not the embedded one."""

    admin: Door
    admin_user: str
    admin_password_file: Path | None
    agencies: Door
    issuer: str
    issuer_state: Path | None
    identities: Path
    replication: int = 1

    @contextmanager
    def kafka(self) -> Iterator[KafkaCredentials]:
        """Signed in as the super user. Raises KeyError for KAFKA_ADMIN_PASSWORD, and KafkaError."""
        if self.admin_password_file is None:
            password = os.environ["KAFKA_ADMIN_PASSWORD"]
        elif self.admin_password_file.exists():
            password = self.admin_password_file.read_text().strip()
        else:
            raise NotNow(
                f"no stack was ever started in {self.admin_password_file.parents[1]}: make run, or --bootstrap"
            )
        with closing(KafkaAdminClient(**self.admin.settings(self.admin_user, password))) as admin:
            yield KafkaCredentials(admin, self.agencies, self.replication)

    def https(self) -> HttpsCredentials | None:
        """The embedded issuer's, or None."""
        if self.issuer_state is None:
            return None
        identities = read_identities(self.identities)
        return HttpsCredentials(self.issuer, Installed(self.issuer_state / "identities").register, identities)


def add_places(asked: argparse.ArgumentParser) -> None:
    """The options that say where."""
    local = asked.add_argument_group("the stack of `make run` (unless --bootstrap is given)")
    local.add_argument("--stack", type=Path, default=STATE / "run", metavar="FOLDER", help="its folder")
    local.add_argument(PORT_SETTING, type=int, metavar="PORT", help="the first of its ports, as it was started with")
    far = asked.add_argument_group("another installation; the super user's password is read from KAFKA_ADMIN_PASSWORD")
    far.add_argument("--bootstrap", help="the brokers, host:port, comma separated")
    far.add_argument("--security", default="SASL_SSL", choices=["SASL_SSL", "SASL_PLAINTEXT"])
    far.add_argument("--authority", help="the certificate file of the authority to trust")
    far.add_argument("--admin", default=ADMIN, help="the super user")
    far.add_argument("--agencies-bootstrap", help="where agencies come in, always under TLS; the same if not given")
    far.add_argument("--replication", type=int, default=3, help="copies of each partition of a new agency's topics")
    far.add_argument("--issuer", default="", help="the embedded issuer's address, if it is used")
    far.add_argument("--issuer-state", type=Path, metavar="FOLDER", help="the embedded issuer's own folder")
    asked.add_argument("--identities", type=Path, default=IDENTITIES, help="the embedded issuer's identities file")


def places(told: argparse.Namespace) -> Places:
    """The installation that the command line names. Raises NotNow where that is half said."""
    if told.bootstrap is None:
        return _of_stack(told)
    if bool(told.issuer) != bool(told.issuer_state):
        raise NotNow("--issuer and --issuer-state belong together: give both, or neither if the issuer is your own")
    agencies = Door(told.agencies_bootstrap, "SASL_SSL", told.authority) if told.agencies_bootstrap else None
    admin = Door(told.bootstrap, told.security, told.authority)
    return Places(
        admin,
        told.admin,
        None,
        agencies or admin,
        told.issuer,
        told.issuer_state,
        told.identities,
        told.replication,
    )


def _of_stack(told: argparse.Namespace) -> Places:
    ports = StackPorts() if told.ports_from is None else StackPorts.from_(told.ports_from)
    secrets = told.stack / "secrets"
    return Places(
        Door(f"{LOOPBACK}:{ports.kafka}", "SASL_PLAINTEXT", None),
        ADMIN,
        secrets / "kafka-admin",
        Door(f"localhost:{ports.kafka_agencies}", "SASL_SSL", str(secrets / "tls" / "authority.pem")),
        ports.url("issuer"),
        told.stack / "issuer",
        told.identities,
    )
