"""A real Apache Kafka (KRaft, one node) in a folder of its own, secured as production is."""

import signal
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.failures import CannotStart, about_disk
from infra.local.java import find_java
from infra.local.ports import LOOPBACK, answers, wait_until_answers
from infra.local.processes import ChildProcess, start
from infra.local.secret_files import secret, write_secret
from infra.local.tls import server_certificate

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

ADMIN = "admin"
MECHANISM = "SCRAM-SHA-512"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
START_SECONDS = 60
STOP_SECONDS = 20


class LocalKafka:
    """One broker: `bootstrap` for services (SASL_PLAINTEXT, loopback), `agencies_bootstrap` for agencies (SASL_SSL).

    Nobody but `admin_username` may do anything that `infra/kafka` has not granted.
    """

    security_protocol = "SASL_PLAINTEXT"
    sasl_mechanism = MECHANISM
    admin_username = ADMIN

    def __init__(
        self,
        home: Path,
        jars: Sequence[Path],
        *,
        port: int,
        agencies_port: int,
        controller_port: int,
        secrets_folder: Path,
        heap_megabytes: int = 384,
    ) -> None:
        self.home = home
        self.log = home / "kafka.log"
        self.port = port
        self.agencies_port = agencies_port
        self.bootstrap = f"{LOOPBACK}:{port}"
        self.agencies_bootstrap = f"localhost:{agencies_port}"
        self.admin_password = secret(secrets_folder / "kafka-admin")
        self.process: ChildProcess | None = None
        self._controller_port = controller_port
        self._tls_folder = secrets_folder / "tls"
        self._class_path = ":".join(str(jar) for jar in jars)
        self._heap = heap_megabytes
        self._java = find_java()

    @property
    def authority(self) -> Path:
        """The certificate that an agency's client must trust."""
        return self._tls_folder / "authority.pem"

    def start(self) -> None:
        """Format the folder on first use, start, and return once the broker serves. Raises CannotStart."""
        try:
            self.launch()
        except OSError as error:
            raise about_disk(error, self.home) or error from error
        self.wait_until_serving()

    def launch(self) -> None:
        """Start without waiting: `wait_until_serving` follows."""
        self.home.mkdir(parents=True, exist_ok=True)
        properties = self.home / "server.properties"
        write_secret(properties, self._properties())
        write_secret(self.home / "log4j2.yaml", LOGGING)
        if not (self.home / "data" / "meta.properties").exists():
            self._format(properties)
        self.process = start(
            [self._java, *self._java_options(), "kafka.Kafka", properties],
            environment={"PATH": "/usr/bin:/bin"},
            log=self.log,
            folder=self.home,
        )

    def wait_until_serving(self) -> None:
        """Return once clients are served. Raises CannotStart with the end of the broker's own log."""
        process = self.process
        if process is None:
            raise RuntimeError("the broker was not launched")
        if not wait_until_answers(self.port, START_SECONDS, alive=process.is_alive):
            self.kill()
            raise CannotStart(f"Kafka did not start; its own words, from {self.log}:\n{self._last_words()}")

    def stop(self) -> None:
        """Stop cleanly: its data is whole and a later `start` finds it."""
        if self.process is not None:
            self.process.end(signal.SIGTERM, STOP_SECONDS)

    def kill(self) -> None:
        """`kill -9`: what a power cut looks like to it."""
        if self.process is not None:
            self.process.kill()

    def is_serving(self) -> bool:
        return answers(self.port)

    def admin_client(self) -> "KafkaAdminClient":
        """kafka-python's admin client, signed in as the super user; close it."""
        from kafka.admin import KafkaAdminClient  # late: it reads a hundred schema files

        return KafkaAdminClient(
            bootstrap_servers=self.bootstrap,
            security_protocol=self.security_protocol,
            sasl_mechanism=self.sasl_mechanism,
            sasl_plain_username=self.admin_username,
            sasl_plain_password=self.admin_password,
        )

    def _java_options(self) -> list[str]:
        return [
            f"-Xmx{self._heap}m",
            f"-Xms{self._heap // 4}m",
            "-XX:+UseSerialGC",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.home / 'log4j2.yaml'}",
            "-cp",
            self._class_path,
        ]

    def _format(self, properties: Path) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        credential = f"{MECHANISM}=[name={ADMIN},password={self.admin_password}]"
        words = [*self._java_options(), "kafka.tools.StorageTool", "format", "--standalone", "-t", cluster]
        words += ["-c", str(properties), "--add-scram", credential]
        # Through a file, since a command line with a password in it can be read by everybody on the machine.
        arguments = self.home / "format.arguments"
        write_secret(arguments, "\n".join('"{}"'.format(word.replace("\\", "\\\\")) for word in words))
        try:
            done = subprocess.run([self._java, f"@{arguments}"], capture_output=True, text=True, check=False)
        finally:
            arguments.unlink()
        if done.returncode != 0:
            raise CannotStart(f"Kafka could not prepare {self.home}:\n{done.stdout}{done.stderr}")

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:]) if self.log.exists() else "(nothing)"

    def _properties(self) -> str:
        key_store = server_certificate(self._tls_folder)
        listeners = {"SASL_PLAINTEXT": self.port, "SASL_SSL": self.agencies_port}
        addresses = [f"{name}://{LOOPBACK}:{port}" for name, port in listeners.items()]
        settings: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{self._controller_port}",
            "listeners": ",".join([*addresses, f"CONTROLLER://{LOOPBACK}:{self._controller_port}"]),
            # Agencies check the certificate's name, so they are sent to the name that it carries.
            "advertised.listeners": f"SASL_PLAINTEXT://{self.bootstrap},SASL_SSL://{self.agencies_bootstrap}",
            "listener.security.protocol.map": ",".join(
                ["CONTROLLER:SASL_PLAINTEXT", "SASL_PLAINTEXT:SASL_PLAINTEXT", "SASL_SSL:SASL_SSL"]
            ),
            "inter.broker.listener.name": "SASL_PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            # SCRAM cannot serve the controllers, which keep the credentials; without SASL there, User:ANONYMOUS would
            # have to be a super user.
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": (
                f'{PLAIN} username="{ADMIN}" password="{self.admin_password}" user_{ADMIN}="{self.admin_password}";'
            ),
            "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": (
                f'{SCRAM} username="{ADMIN}" password="{self.admin_password}";'
            ),
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": f"{SCRAM};",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": key_store,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:{ADMIN}",
            "allow.everyone.if.no.acl.found": "false",
            "auto.create.topics.enable": "false",
            "log.dirs": self.home / "data",
            "num.partitions": 3,
            "offsets.topic.num.partitions": 8,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # After kill -9 the broker waits for its own old registration to run out: 12 s with the defaults.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            # Retention is looked at every minute, so that inbound records go soon after the gateway has taken them.
            "log.retention.check.interval.ms": 60_000,
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())


LOGGING = """\
Configuration:
  Appenders:
    Console: {name: out, PatternLayout: {pattern: "%d{ISO8601} %p %m (%c{1})%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: out}}
    Logger:
      - {name: kafka.server.KafkaRaftServer, level: INFO}
      - {name: org.apache.kafka.server.authorizer, level: WARN}
"""
