"""A real Apache Kafka (KRaft, one node) in a folder of its own, secured as production is."""

import signal
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.kafka.server import (
    ADMIN,
    AGENCIES_SIGN_IN_AGAIN,
    MECHANISM,
    Listener,
    first_credential,
    server_properties,
)
from infra.local.failures import CannotStart, about_disk
from infra.local.java import find_java
from infra.local.ports import LOOPBACK, answers, wait_until_answers
from infra.local.processes import ChildProcess, start
from infra.local.secret_files import secret, write_secret
from infra.local.tls import server_certificate

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

START_SECONDS = 120
STOP_SECONDS = 20


class LocalKafka:
    """One broker: `bootstrap` for services (SASL_PLAINTEXT, loopback), `agencies_bootstrap` for agencies (SASL_SSL).

    With `quick_start` it starts in half the processor time and is slower under full load: not for measuring.
    `classes` is what `java_classes.linked_classes` found.
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
        quick_start: bool = True,
        agencies_sign_in_again: int = AGENCIES_SIGN_IN_AGAIN,
        classes: Path | None = None,
        java_options: Sequence[str] = (),
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
        self._quick_start = quick_start
        self._agencies_sign_in_again = agencies_sign_in_again
        self._java = find_java()
        self._with_classes = [f"-XX:AOTCache={classes}", "-Xlog:aot*=off"] if classes else []
        self._only_broker = list(java_options)

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
            [self._java, *self._java_options(), *self._only_broker, "kafka.Kafka", properties],
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

    def stop(self, within: float = STOP_SECONDS) -> None:
        """Stop cleanly: its data is whole and a later `start` finds it. After `within` seconds it is killed."""
        if self.process is not None:
            self.process.end(signal.SIGTERM, within)

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
            # Half the processor time of a start goes into compiling what a local broker never gets busy enough to need.
            *(["-XX:TieredStopAtLevel=1"] if self._quick_start else []),
            *self._with_classes,
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.home / 'log4j2.yaml'}",
            "-cp",
            self._class_path,
        ]

    def _format(self, properties: Path) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        words = [*self._java_options(), "kafka.tools.StorageTool", "format", "--standalone"]
        words += [f"--cluster-id={cluster}"]  # one in 64 begins with a hyphen
        words += ["-c", str(properties), "--add-scram", first_credential(self.admin_password)]
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
        return server_properties(
            [
                Listener("SERVICES", "SASL_PLAINTEXT", f"{LOOPBACK}:{self.port}", self.bootstrap),
                # Agencies check the certificate's name, so they are sent to the name that it carries.
                Listener(
                    "AGENCIES",
                    "SASL_SSL",
                    f"{LOOPBACK}:{self.agencies_port}",
                    self.agencies_bootstrap,
                    self._agencies_sign_in_again,
                ),
            ],
            controller=f"{LOOPBACK}:{self._controller_port}",
            data=self.home / "data",
            key_store=server_certificate(self._tls_folder),
            authority=self.authority,
            admin_password=self.admin_password,
        )


LOGGING = """\
Configuration:
  Appenders:
    Console: {name: out, PatternLayout: {pattern: "%d{ISO8601} %p %m (%c{1})%n"}}
  Loggers:
    Root: {level: WARN, AppenderRef: {ref: out}}
    Logger:
      - {name: kafka.server.KafkaRaftServer, level: INFO}
      # Whoever was refused something, or a sign-in, by name of the user and never with what was sent.
      - {name: kafka.authorizer.logger, level: INFO}
      - {name: org.apache.kafka.common.network.Selector, level: INFO}
"""
