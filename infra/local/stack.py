"""The whole stack: Kafka, PostgreSQL, mail, issuer and every service, started, watched and stopped."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from infra.agencies import AGENCIES, read_agencies
from infra.issuer.identities import BadIdentities, ensure_identities, read_identities
from infra.kafka.declared import agency_user, declared
from infra.kafka.provision import ProvisioningFailed, agencies_on, provision
from infra.local.backbone import STATE, Backbone
from infra.local.connections import write_connections
from infra.local.environment import Addresses, Files, issuer_environment, service_environment
from infra.local.failures import CannotStart
from infra.local.health import wait_until_ready
from infra.local.kafka import LocalKafka
from infra.local.migrations import bootstrap, migrate
from infra.local.ports import LOOPBACK, StackPorts
from infra.local.postgres import LocalPostgres
from infra.local.processes import ChildProcess
from infra.local.secret_files import secret
from infra.local.services import ROOT, SERVICES, Service, module_command, plain_environment
from infra.local.supervised import Program, Standing, Supervised
from infra.local.terminal import Terminal
from infra.postgres.provision import ServiceDatabase
from shared.clock import MovableClock

IDENTITIES = AGENCIES.with_name("identities.toml")
HEALTHY_SECONDS = 120.0
WATCH_SECONDS = 1.0
STOP_SECONDS = 10.0


class Stack(Backbone):
    """`start`, `wait_healthy`, `stop`; in between, each process can be killed, held still and let go by its name.

    With `clock_start` the business clock begins at that instant on first use of the folder, and is moved by command
    (`clock_file`); without it business time is real time.
    """

    def __init__(
        self,
        home: Path = STATE / "run",
        ports: StackPorts | None = None,
        *,
        clock_start: datetime | None = None,
        agencies: Path = AGENCIES,
        identities: Path = IDENTITIES,
        services: Sequence[Service] = SERVICES,
        quick_start: bool = True,
        terminal: Terminal | None = None,
    ) -> None:
        self.stack_ports = ports or StackPorts()
        self.terminal = terminal or Terminal(quiet=True)
        super().__init__(
            home,
            self.stack_ports,
            quick_start=quick_start,
            fetched=self.terminal.fetched,
            recording=lambda: self.terminal.say(
                "preparing Kafka for quick starts; this takes ten seconds or two, once"
            ),
        )
        self.services = tuple(services)
        self.maildir = self.home.folder / "mail"
        self.clock_file = self.home.folder / "clock.jsonl"
        self.connections = self.home.folder / "connections"
        self._clock_start = clock_start
        self._agencies_file, self._identities_file = agencies.resolve(), identities.resolve()
        try:
            self.agencies = read_agencies(agencies)
            read_identities(identities)
        except (OSError, ValueError, BadIdentities) as unusable:
            raise CannotStart(
                f"The agencies or identities cannot be used: {unusable}. Mend the file, or name another."
            ) from unusable
        self._supervised: dict[str, Supervised] = {}
        self._held_still: set[str] = set()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def urls(self) -> Mapping[str, str]:
        """The address of every process that answers HTTP, by its name."""
        names = {name: port for one in self.services for name, port in zip(one.processes, one.ports, strict=True)} | {
            "issuer": "issuer"
        }
        return {name: self.stack_ports.url(port) for name, port in names.items()}

    def processes(self) -> list[Standing]:
        """How every process stands, Kafka and PostgreSQL included."""
        servers = [
            Standing(name, server.process.pid if server.process and server.process.is_alive() else None, server.port, 0)
            for name, server in self._servers().items()
        ]
        return servers + [one.standing() for one in self._supervised.values()]

    def kill(self, name: str) -> None:
        """`kill -9` one process; it is started again. Raises KeyError for a name that there is not."""
        (self._servers() | self._supervised)[name].kill()

    def hold(self, name: str) -> None:
        """Stop one process, cleanly, until `let_go`."""
        self._held_still.add(name)
        if name in self._supervised:
            self._supervised[name].end(STOP_SECONDS)
        else:
            self._servers()[name].stop()

    def let_go(self, name: str) -> None:
        """Start again what `hold` stopped."""
        if name in self._supervised:
            self._supervised[name].begin()
        else:
            self._servers()[name].start()
            self._remember()
        self._held_still.discard(name)

    def kafka_sign_in(self, agency: str) -> tuple[str, str]:
        """An agency's SCRAM user and password, for `kafka.agencies_bootstrap` (TLS) or `kafka.bootstrap`."""
        user = agency_user(agency)
        return user, secret(self._kafka_password(user))

    def wait_healthy(self, seconds: float = HEALTHY_SECONDS) -> None:
        """Return once every process says it is ready. Raises CannotStart naming those that do not, and why."""
        faults = wait_until_ready(self.urls, seconds, lambda name: self.terminal.say(f"{name} is ready"))
        if faults:
            raise CannotStart(
                f"Not everything became ready within {seconds:.0f} s; the logs are in {self.home.logs}:\n"
                + "\n".join(f"  {name} {fault}" for name, fault in faults.items())
            )

    def stop(self) -> None:
        """Stop everything: services first, then what they stand on. Nothing is left running."""
        self._stopping.set()
        for one in self._supervised.values():
            one.ask_to_end()
        for one in self._supervised.values():
            one.end(STOP_SECONDS)
        if self._watcher is not None:
            self._watcher.join()  # it may be starting one of them again
        super().stop()

    def kill_all(self) -> None:
        """End everything at once, for whoever cannot wait; the next start recovers."""
        self._stopping.set()
        for one in self._supervised.values():
            one.ask_to_end()
            one.kill()
        for server in self._servers().values():
            server.kill()

    def _start(self) -> None:
        begun = time.monotonic()
        self._stopping.clear()
        self._prepare()
        self._begin_clock()
        self._identities = ensure_identities(self._identities_file, self.home.folder / "issuer")
        with ThreadPoolExecutor(max_workers=1) as pool:
            kafka = pool.submit(self._start_kafka)
            self.postgres.start()
            self._remember()
            self.terminal.say(f"PostgreSQL serves on port {self.ports.postgres}")
            self._begin_helpers()
            databases = {name: self.create_database(name) for one in self.services for name in one.databases.values()}
            migrate(self.services, databases)
            bootstrap(self.services, databases, self._agencies_file, self.clock_file)
            kafka.result()
        self._tell_agencies()
        self._begin_services(databases)
        self._watcher = threading.Thread(target=self._watch, name="watches Kafka and PostgreSQL", daemon=True)
        self._watcher.start()
        self.terminal.say(f"everything was begun after {time.monotonic() - begun:.1f} s")

    def _start_kafka(self) -> None:
        super()._start_kafka()
        admin = self.kafka.admin_client()
        try:
            everyone = {*self.agencies, *agencies_on(admin)}
            changes = provision(admin, declared(everyone), lambda user: secret(self._kafka_password(user)))
        except ProvisioningFailed as failure:
            raise CannotStart(f"Kafka does not agree with infra/kafka/declared.toml:\n{failure}") from failure
        finally:
            admin.close()
        self.terminal.say(
            f"Kafka serves on ports {self.ports.kafka} (services) and {self.ports.kafka_agencies} (agencies, TLS)"
            + (f"; {len(changes.made)} topics, users and grants were made or changed" if changes else "")
        )

    def _tell_agencies(self) -> None:
        write_connections(
            self.connections,
            read_identities(self._identities_file).agency,
            self._identities,
            gateway=self.stack_ports.url("gateway"),
            issuer=self.stack_ports.url("issuer"),
            bootstrap=self.kafka.agencies_bootstrap,
            secrets=self.home.secrets,
            authority=self.kafka.authority,
        )

    def _begin_clock(self) -> None:
        if self._clock_start is not None and not self.clock_file.exists():
            MovableClock.begin(self.clock_file, self._clock_start)

    def _begin_helpers(self) -> None:
        ports = self.stack_ports
        mail = module_command("infra.local.smtp", "--port", str(ports.smtp), "--maildir", str(self.maildir))
        self._begin(Program("mail", mail, plain_environment(), ports.smtp, ROOT))
        told = issuer_environment(
            ports.issuer, self._addresses(), state=self.home.folder / "issuer", identities=self._identities_file
        )
        self._begin(Program("issuer", module_command("infra.issuer"), told, ports.issuer, ROOT))

    def _begin_services(self, databases: Mapping[str, ServiceDatabase]) -> None:
        for service in self.services:
            for process, port_name in zip(service.processes, service.ports, strict=True):
                port, state = getattr(self.stack_ports, port_name), self.home.folder / "services" / process
                state.mkdir(parents=True, exist_ok=True, mode=0o700)
                files = Files(
                    state=state,
                    client_key=self._identities.key_file(service.name),
                    kafka_password=self._kafka_password(service.name),
                    cursor_key=self.home.secrets / f"cursor-{service.name}",
                    clock=self.clock_file if self.clock_file.exists() else None,
                )
                told = service_environment(service, port, self._addresses(), files, databases)
                self._begin(Program(process, module_command(service.module), told, port, ROOT))

    def _addresses(self) -> Addresses:
        ports = self.stack_ports
        return Addresses(
            listen=LOOPBACK,
            issuer=ports.url("issuer"),
            gateway=ports.url("gateway"),
            vault=ports.url("vault"),
            notifications=ports.url("notifications"),
            delivery=ports.url("delivery"),
            rapid_review=ports.url("rapid_review"),
            kafka=f"{LOOPBACK}:{ports.kafka}",
            smtp_host=LOOPBACK,
            smtp_port=ports.smtp,
        )

    def _begin(self, program: Program) -> None:
        log = self.home.logs / f"{program.name}.log"
        self._supervised[program.name] = one = Supervised(program, self.terminal.tell, log, self._remember)
        one.begin()

    def _kafka_password(self, user: str) -> Path:
        return self.home.secrets / f"kafka-{user}"

    def _servers(self) -> dict[str, LocalKafka | LocalPostgres]:
        return {name: vars(self)[name] for name in ("kafka", "postgres") if name in vars(self)}

    def _children(self) -> list[ChildProcess | None]:
        return [*super()._children(), *(one.child for one in self._supervised.values())]

    def _watch(self) -> None:
        """Start Kafka and PostgreSQL again should they die, as the services are."""
        while not self._stopping.wait(WATCH_SECONDS):
            for name, server in self._servers().items():
                died = server.process is not None and not server.process.is_alive()
                if died and name not in self._held_still:
                    self.terminal.tell(name, "ended; starting it again")
                    try:
                        server.start()
                        self._remember()
                    except CannotStart as failure:
                        self.terminal.tell(name, str(failure))
