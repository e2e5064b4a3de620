"""Kafka and PostgreSQL that this process did not start: containers, or somebody's own."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from infra.postgres.provision import ServiceDatabase, drop_database, provision_database

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

Control = Callable[[str, str], object]
"""Starts, stops or kills (`start`, `stop`, `kill`) a server (`kafka`, `postgres`)."""


def not_ours(verb: str, server: str) -> object:
    """Somebody's own server is never stopped by a test."""
    pytest.skip(f"this test would {verb} {server}, which is not ours")


@dataclass
class OneServer:
    name: str
    control: Control

    def start(self) -> None:
        self.control("start", self.name)

    def stop(self) -> None:
        self.control("stop", self.name)

    def kill(self) -> None:
        self.control("kill", self.name)


@dataclass
class KafkaServer(OneServer):
    bootstrap: str
    security_protocol: str
    sasl_mechanism: str
    admin_username: str
    admin_password: str


@dataclass
class PostgresServer(OneServer):
    admin_url: str


@dataclass
class Servers:
    """A stack of such servers. With `run` set, every topic and database carries it, and `remove` takes them away."""

    bootstrap: str
    security_protocol: str
    admin_username: str
    admin_password: str
    admin_url: str
    sasl_mechanism: str = "SCRAM-SHA-512"
    control: Control = not_ours
    run: str = ""
    topics: list[str] = field(default_factory=list)
    databases: list[str] = field(default_factory=list)

    @property
    def kafka(self) -> KafkaServer:
        return KafkaServer(
            "kafka",
            self.control,
            self.bootstrap,
            self.security_protocol,
            self.sasl_mechanism,
            self.admin_username,
            self.admin_password,
        )

    @property
    def postgres(self) -> PostgresServer:
        return PostgresServer("postgres", self.control, self.admin_url)

    def create_topic(self, name: str, partitions: int = 3, configs: Mapping[str, str] | None = None) -> str:
        named = f"{self.run}.{name}" if self.run else name
        topic = {"num_partitions": partitions, "replication_factor": 1, "configs": dict(configs or {})}
        with self._admin() as admin:
            admin.create_topics({named: topic}, wait_for_metadata=True)
        self.topics.append(named)
        return named

    def create_database(self, name: str) -> ServiceDatabase:
        named = f"{self.run}_{name}" if self.run else name
        self.databases.append(named)
        passwords = {f"{kind}_password": secrets.token_urlsafe(24) for kind in ("owner", "runtime")}
        return provision_database(self.admin_url, named, **passwords)

    def remove(self) -> None:
        """Take away what this run made, and nothing else."""
        with self._admin() as admin:
            if self.topics:
                admin.delete_topics(self.topics)
        for name in dict.fromkeys(self.databases):
            drop_database(self.admin_url, name)

    @contextmanager
    def _admin(self) -> Iterator["KafkaAdminClient"]:
        from kafka.admin import KafkaAdminClient  # late: it reads a hundred schema files

        admin = KafkaAdminClient(
            bootstrap_servers=self.bootstrap.split(","),
            security_protocol=self.security_protocol,
            sasl_mechanism=self.sasl_mechanism,
            sasl_plain_username=self.admin_username,
            sasl_plain_password=self.admin_password,
            ssl_cafile=os.environ.get("KAFKA_SSL_CAFILE"),
        )
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def servers_of_somebody(told: Mapping[str, str]) -> Iterator[Servers]:
    """The servers that the environment names, in topics and databases named for this run, gone at its end."""
    needed = ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD", "POSTGRES_ADMIN_URL")
    if missing := [name for name in needed if not told.get(name)]:
        pytest.exit(f"to test against servers of your own, also set {', '.join(missing)}", returncode=4)
    servers = Servers(
        bootstrap=told["KAFKA_BOOTSTRAP_SERVERS"],
        security_protocol=told.get("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        sasl_mechanism=told.get("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        admin_username=told["KAFKA_SASL_USERNAME"],
        admin_password=told["KAFKA_SASL_PASSWORD"],
        admin_url=told["POSTGRES_ADMIN_URL"],
        run=f"test_{int(time.time())}_{os.getpid()}",
    )
    try:
        yield servers
    finally:
        servers.remove()
