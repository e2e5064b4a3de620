"""What each container of docker-compose.yml has in its own volume, mounted at /room, and nothing of another's.

`prepare` makes it all, once, before anything starts; a second run changes nothing.
"""

import json
import shutil
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infra.agencies import AGENCIES
from infra.issuer.identities import Installed, ensure_identities
from infra.kafka.server import AGENCIES_SIGN_IN_AGAIN, Listener, first_credential, server_properties
from infra.local.environment import Addresses, Files, issuer_environment, service_environment
from infra.local.secret_files import secret, write_secret
from infra.local.services import SERVICES, Service
from infra.local.tls import server_certificate
from infra.postgres.provision import ServiceDatabase, service_database

ROOM = PurePosixPath("/room")
ENVIRONMENT = "environment.json"
IDENTITIES = AGENCIES.with_name("identities.toml")
PORT = 8080
ISSUER_PORT = 8090
SMTP_PORT = 8025
POSTGRES = "postgres:5432"
KAFKA = "kafka:19092"

# Who runs in the containers: ours as the Dockerfile says, the others as their images do.
OURS = 10001
KAFKAS = 1000
POSTGRES_IMAGES = 999

ADDRESSES = Addresses(
    listen="0.0.0.0",  # noqa: S104 - of the container; docker-compose.yml publishes on loopback only
    issuer=f"http://issuer:{ISSUER_PORT}",
    gateway=f"http://gateway:{PORT}",
    vault=f"http://vault:{PORT}",
    notifications=f"http://notifications:{PORT}",
    delivery=f"http://delivery:{PORT}",
    rapid_review=f"http://rapid-review:{PORT}",
    kafka=KAFKA,
    smtp_host="mail",
    smtp_port=SMTP_PORT,
)


@dataclass(frozen=True)
class Rooms:
    """All rooms, as `prepare` and `provision` see them: a folder each under `folder`."""

    folder: Path

    @property
    def secrets(self) -> Path:
        return self.folder / "provision"

    def kafka_password(self, user: str) -> str:
        return secret(self.secrets / f"kafka-{user}")

    @property
    def postgres_admin_url(self) -> str:
        return f"postgresql://postgres:{secret(self.secrets / 'postgres-admin')}@{POSTGRES}/postgres"

    def databases(self) -> dict[str, ServiceDatabase]:
        """How every database is reached; made on the server by `provision`."""
        names = [name for service in SERVICES for name in service.databases.values()]
        return {name: service_database(self.postgres_admin_url, name, **self.passwords(name)) for name in names}

    def passwords(self, database: str) -> dict[str, str]:
        """The passwords of a database's two roles."""
        return {
            f"{kind}_password": secret(self.secrets / f"postgres-{database}-{kind}") for kind in ("owner", "runtime")
        }

    def prepare(self) -> None:
        """Fill every room. What is there already stays, so that data made with it stays readable."""
        self._prepare_kafka()
        write_secret(self.folder / "postgres" / "password", secret(self.secrets / "postgres-admin"))
        _give(self.folder / "postgres", POSTGRES_IMAGES)
        identities = ensure_identities(IDENTITIES, self.folder / "issuer")
        told = issuer_environment(ISSUER_PORT, ADDRESSES, state=ROOM, identities=IDENTITIES)
        write_secret(self.folder / "issuer" / ENVIRONMENT, _settings(told))
        for service in SERVICES:
            for process in service.processes:
                self._prepare_service(service, process, identities)
        for ours in ("issuer", "mail", *(process for service in SERVICES for process in service.processes)):
            _give(self.folder / ours, OURS)

    def _prepare_kafka(self) -> None:
        room = self.folder / "kafka"
        server_certificate(room)
        password = self.kafka_password("admin")
        properties = server_properties(
            [
                Listener("SERVICES", "SASL_PLAINTEXT", "0.0.0.0:19092", KAFKA),
                Listener("AGENCIES", "SASL_SSL", "0.0.0.0:9093", "localhost:9093", AGENCIES_SIGN_IN_AGAIN),
                Listener("HOST", "SASL_PLAINTEXT", "0.0.0.0:9092", "127.0.0.1:9092"),
            ],
            controller="127.0.0.1:9094",
            data=PurePosixPath("/var/lib/kafka/data"),
            key_store=ROOM / "server.pem",
            authority=ROOM / "authority.pem",
            admin_password=password,
        )
        write_secret(room / "server.properties", properties)
        write_secret(room / "credential", first_credential(password))
        if not (room / "cluster").exists():
            write_secret(room / "cluster", urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
        _give(room, KAFKAS)

    def _prepare_service(self, service: Service, process: str, identities: Installed) -> None:
        room = self.folder / process
        write_secret(room / "client-key.pem", identities.key_file(service.name).read_text())
        write_secret(room / "kafka-password", self.kafka_password(service.name))
        write_secret(room / "cursor-key", secret(self.secrets / f"cursor-{service.name}"))
        files = Files(
            state=ROOM / "state",
            client_key=ROOM / "client-key.pem",
            kafka_password=ROOM / "kafka-password",
            cursor_key=ROOM / "cursor-key",
        )
        told = service_environment(service, PORT, ADDRESSES, files, self.databases())
        write_secret(room / ENVIRONMENT, _settings(told))
        (room / "state").mkdir(exist_ok=True, mode=0o700)


def _settings(told: dict[str, str]) -> str:
    """What is ours of an environment: where programs are found, the container itself knows."""
    return json.dumps({name: value for name, value in told.items() if name.startswith("SX_")})


def _give(room: Path, user: int) -> None:
    room.mkdir(parents=True, exist_ok=True)
    for path in (room, *room.rglob("*")):
        shutil.chown(path, user, user)


def program(process: str) -> list[str]:
    """The module, and its words, that a process of docker-compose.yml runs."""
    modules = {name: service.module for service in SERVICES for name in service.processes} | {"issuer": "infra.issuer"}
    if process == "mail":
        return ["infra.local.smtp", "--listen", "0.0.0.0", "--port", str(SMTP_PORT), "--maildir", str(ROOM / "maildir")]  # noqa: S104
    return [modules[process]]
