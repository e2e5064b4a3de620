"""Kafka and PostgreSQL together, in one folder: what every service stands on, and what tests start for themselves."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path

from infra.local.failures import require_room
from infra.local.home import Home
from infra.local.jars import Progress, fetch_jars
from infra.local.java_classes import linked_classes
from infra.local.kafka import LocalKafka
from infra.local.ports import BackbonePorts, require_free
from infra.local.postgres import LocalPostgres
from infra.local.processes import ChildProcess
from infra.local.secret_files import secret
from infra.postgres.provision import ServiceDatabase, provision_database

STATE = Path(__file__).resolve().parents[2] / ".state"
PORT_SETTING = "--ports-from"
JARS = STATE / "cache" / "jars"
CLASSES = STATE / "cache" / "classes"


class Backbone:
    """A broker and a database server under `home`; `start` and `stop` may be called again and again.

    To measure, give `quick_start=False` (see LocalKafka).
    """

    def __init__(
        self,
        home: Path,
        ports: BackbonePorts,
        *,
        quick_start: bool = True,
        fetched: Progress | None = None,
        recording: Callable[[], object] = lambda: None,
    ) -> None:
        self.home = Home(home)
        self.ports = ports
        self._quick_start = quick_start
        self._fetched = fetched or (lambda done, total: None)
        self._recording = recording
        self._held = ExitStack()

    def start(self) -> None:
        """Fetch what is missing, start both, and return once both serve. Raises CannotStart."""
        self._held.enter_context(self.home.hold())
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        self._prepare()
        with ThreadPoolExecutor(max_workers=1) as pool:
            kafka = pool.submit(self._start_kafka)
            self.postgres.start()
            self._remember()
            kafka.result()

    def _prepare(self) -> None:
        require_room(self.home.folder)
        for field in fields(self.ports):
            require_free(getattr(self.ports, field.name), field.name.replace("_", " "), PORT_SETTING)
        self.postgres = LocalPostgres(
            self.home.folder / "postgres", port=self.ports.postgres, secrets_folder=self.home.secrets
        )
        jars = fetch_jars(JARS, self._fetched)
        self.kafka = LocalKafka(
            self.home.folder / "kafka",
            jars,
            port=self.ports.kafka,
            agencies_port=self.ports.kafka_agencies,
            controller_port=self.ports.kafka_controller,
            secrets_folder=self.home.secrets,
            quick_start=self._quick_start,
            classes=linked_classes(jars, CLASSES, self._recording),
        )

    def _start_kafka(self) -> None:
        self.kafka.start()
        self._remember()

    def _remember(self) -> None:
        self.home.remember(self._children())

    def _children(self) -> list[ChildProcess | None]:
        return [vars(self)[part].process for part in ("postgres", "kafka") if part in vars(self)]

    def stop(self) -> None:
        """Stop both cleanly and let the folder go."""
        for part in ("kafka", "postgres"):
            if part in vars(self):
                vars(self)[part].stop()
        self._held.close()

    def create_topic(self, name: str, partitions: int = 3, configs: Mapping[str, str] | None = None) -> str:
        """Make a topic and return its name once it can be written. Raises TopicAlreadyExistsError."""
        admin = self.kafka.admin_client()
        try:
            topic = {"num_partitions": partitions, "replication_factor": 1, "configs": dict(configs or {})}
            admin.create_topics({name: topic}, wait_for_metadata=True)
        finally:
            admin.close()
        return name

    def create_database(self, name: str) -> ServiceDatabase:
        """A database with an owner and a runtime role; the same passwords each time it is asked for."""
        return provision_database(
            self.postgres.admin_url,
            name,
            owner_password=secret(self.home.secrets / f"postgres-{name}-owner"),
            runtime_password=secret(self.home.secrets / f"postgres-{name}-runtime"),
        )
