"""The three stacks that tests can stand on: embedded (the default), containers, or somebody's servers."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from infra.local.backbone import STATE, Backbone
from infra.local.home import Home
from infra.local.ports import BackbonePorts
from infra.postgres.provision import ServiceDatabase
from tests.servers import Servers, servers_of_somebody

COMPOSE_FILE = Path(__file__).parents[1] / "docker-compose.yml"


class Broker(Protocol):
    """A Kafka that speaks SASL to `admin_username`, who may do anything."""

    bootstrap: str
    security_protocol: str
    sasl_mechanism: str
    admin_username: str
    admin_password: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class DatabaseServer(Protocol):
    """A PostgreSQL; `admin_url` is its super user's."""

    admin_url: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


class Stack(Protocol):
    @property
    def kafka(self) -> Broker: ...
    @property
    def postgres(self) -> DatabaseServer: ...
    def create_topic(self, name: str, partitions: int = 3, configs: Mapping[str, str] | None = None) -> str:
        """Make a topic; the name to use, which carries the run's on a server that is not ours."""

    def create_database(self, name: str) -> ServiceDatabase:
        """Make a database with its owner and runtime roles; on a server that is not ours, named for the run."""


EMBEDDED, CONTAINERS, SOMEBODYS = "embedded servers", "containers", "the servers at KAFKA_BOOTSTRAP_SERVERS"
OWN = "what runs the whole exchange, or stops a broker for good, starts embedded servers of its own"


def chosen(environ: Mapping[str, str]) -> str:
    """On which servers the tests stand that ask for `stack`. Raises pytest.UsageError for a value that there is not."""
    told = environ.get("TEST_STACK", "")
    if told not in ("", "docker"):
        raise pytest.UsageError(f"TEST_STACK={told}: it is docker, or not set")
    return CONTAINERS if told else SOMEBODYS if environ.get("KAFKA_BOOTSTRAP_SERVERS") else EMBEDDED


@contextmanager
def chosen_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """TEST_STACK=docker: containers. KAFKA_BOOTSTRAP_SERVERS set: those servers. Otherwise the embedded ones."""
    if chosen(os.environ) == CONTAINERS:
        if reason := no_engine():
            pytest.skip(reason)
        request.getfixturevalue("docker_services")
        yield servers_of_containers(partial(compose, request.getfixturevalue("docker_compose_project_name")))
    elif chosen(os.environ) == SOMEBODYS:
        with servers_of_somebody(os.environ) as servers:
            yield servers
    else:
        with embedded_stack() as stack:
            yield stack


def require_throwaway(stack: Stack) -> None:
    """Skip a test that changes users and grants, unless the servers were made for this run alone."""
    if getattr(stack, "run", ""):
        pytest.skip("this test changes users and grants, and these servers may hold somebody's own")


@contextmanager
def embedded_stack() -> Iterator[Stack]:
    """A fresh stack in a folder of this process's own, gone at the end."""
    remove_leavings()
    home = STATE / f"test-{os.getpid()}"
    backbone = Backbone(home, BackbonePorts.free())
    backbone.start()
    try:
        yield backbone
    finally:
        backbone.kafka.kill()  # it is thrown away: it need not put thousands of topics in order for a next start
        backbone.postgres.kill()
        backbone.stop()
        shutil.rmtree(home, ignore_errors=True)


def remove_leavings() -> None:
    """End and remove what test runs left that were killed."""
    for folder in STATE.glob("test-*"):
        if not psutil.pid_exists(int(folder.name.split("-")[1])):
            Home(folder).end_orphans()
            shutil.rmtree(folder, ignore_errors=True)


@cache
def no_engine() -> str:
    """Why containers cannot be used here, asked once; empty when an engine answers."""
    if shutil.which("docker") is None:
        return "TEST_STACK=docker, but there is no docker command here"
    asked = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False, timeout=30)
    if asked.returncode == 0:
        return ""
    return f"TEST_STACK=docker, but no engine answers: {asked.stderr.strip().splitlines()[-1]}"


def compose(project: str, *words: str) -> str:
    """What `docker compose` prints, of this run's own project. Raises CalledProcessError."""
    command = ["docker", "compose", "-f", str(COMPOSE_FILE), "-p", project, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def servers_of_containers(run: Callable[..., str]) -> Servers:
    """Kafka and PostgreSQL of docker-compose.yml, on the ports that it publishes."""

    def kept(name: str) -> str:
        return run("run", "--rm", "--no-deps", "-T", "--entrypoint", "cat", "provision", f"/rooms/provision/{name}")

    return Servers(
        bootstrap="127.0.0.1:9092",
        security_protocol="SASL_PLAINTEXT",
        admin_username="admin",
        admin_password=kept("kafka-admin"),
        admin_url=f"postgresql://postgres:{kept('postgres-admin')}@127.0.0.1:5433/postgres",
        control=lambda verb, server: run(*(("start", "--wait") if verb == "start" else (verb,)), server),
    )
