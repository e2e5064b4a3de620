"""Ports: which part listens where, free ones for tests, and a plain sentence for one that somebody else holds."""

import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

import psutil

from infra.local.failures import CannotStart

LOOPBACK = "127.0.0.1"
NOT_FOR_OUTGOING = range(20_000, 32_000)


@dataclass(frozen=True, kw_only=True)
class BackbonePorts:
    """Where Kafka (for services, for agencies, for its controller) and PostgreSQL listen, on loopback."""

    kafka: int = 9092
    kafka_agencies: int = 9093
    kafka_controller: int = 9094
    postgres: int = 5433

    @classmethod
    def free(cls) -> Self:
        """Ports that nobody listens on just now."""
        names = [field.name for field in fields(cls)]
        return cls(**dict(zip(names, free_ports(len(names)), strict=True)))


@dataclass(frozen=True, kw_only=True)
class StackPorts(BackbonePorts):
    """Every port of a stack, as `make run` has them."""

    gateway: int = 8080
    gateway_2: int = 8081
    vault: int = 8082
    notifications: int = 8083
    delivery: int = 8084
    rapid_review: int = 8085
    issuer: int = 8090
    smtp: int = 8025

    @classmethod
    def from_(cls, first: int) -> Self:
        """Consecutive ports from `first` on: our services in the order of the fields, issuer, smtp, then Kafka's."""
        own = [name for name in cls.__annotations__ if not name.startswith("_")]
        names = own + [field.name for field in fields(cls) if field.name not in own]
        return cls(**{name: first + place for place, name in enumerate(names)})

    def url(self, part: str) -> str:
        return f"http://{LOOPBACK}:{getattr(self, part)}"


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports that nobody listens on just now.

    From below the range that systems take for outgoing connections: one of those could have the port a second later.
    """
    found: list[int] = []
    for port in random.sample(NOT_FOR_OUTGOING, len(NOT_FOR_OUTGOING)):
        if len(found) == count:
            break
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            found.append(port)
    return found


def require_free(port: int, what: str, setting: str) -> None:
    """Raises CannotStart when `port`, wanted for `what`, is taken; `setting` is what moves it elsewhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of the last run that lingers in TIME_WAIT is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            holder = _holder(port)
            raise CannotStart(
                f"Port {port}, which {what} needs, is taken{holder}:"
                f" stop what holds it, or choose others with {setting}."
            ) from error


def _holder(port: int) -> str:
    """Whose port it is, where the system lets us know."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens_here = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens_here and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return ""
    return ""


def answers(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def wait_until_answers(port: int, seconds: float, *, alive: Callable[[], bool]) -> bool:
    """Whether `port` answered within `seconds`; gives up at once when what should answer has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answers(port):
            return True
        if not alive():
            return False
        time.sleep(0.05)
    return False
