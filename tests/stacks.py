"""The three stacks that tests can stand on: embedded (the default), somebody's servers, or containers."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import psutil
import pytest

from infra.local.backbone import STATE, Backbone
from infra.local.home import Home
from infra.local.ports import BackbonePorts
from infra.postgres.provision import ServiceDatabase


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


@contextmanager
def chosen_stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with embedded_stack() as stack:
        yield stack


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
        backbone.stop()
        shutil.rmtree(home, ignore_errors=True)


def remove_leavings() -> None:
    """End and remove what test runs left that were killed."""
    for folder in STATE.glob("test-*"):
        if not psutil.pid_exists(int(folder.name.removeprefix("test-"))):
            Home(folder).end_orphans()
            shutil.rmtree(folder, ignore_errors=True)
