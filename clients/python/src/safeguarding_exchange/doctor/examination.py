"""The order in which things are looked at: what builds on something broken is not looked at."""

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from safeguarding_exchange.connection import Connection
from safeguarding_exchange.doctor import broker, https, network, old_clients
from safeguarding_exchange.doctor.findings import FAULT, Finding, fault, note, unseen, well
from safeguarding_exchange.failures import BadConnection
from safeguarding_exchange.gateway import Gateway, trust
from safeguarding_exchange.tokens import private_key

PATIENCE = 3.0


def examined(file: Path, *, sample: Path | None = None, now: Callable[[], float] = time.time) -> Iterator[Finding]:
    """Everything about a connection, one finding after another."""
    try:
        connection = Connection.read(file)
    except BadConnection as failure:
        yield fault("connection file", str(failure), "docs/for-agencies.md shows one whole.")
        return
    yield well("connection file", f"{connection.agency} in {connection.partnership}")
    keyed = _key(connection)
    yield keyed
    lines = list(_https_lines(connection))
    yield from lines
    if any(one.standing == FAULT for one in (keyed, *lines)):
        yield unseen("signing in", "what is above must be mended first")
    else:
        yield from _over_https(connection, sample, now)
    yield from _over_kafka(connection)
    yield from old_clients.examined()


def _key(connection: Connection) -> Finding:
    try:
        key = private_key(connection.key_pem)
    except BadConnection as failure:
        return fault("key", str(failure), "Name the PEM file of the private key that you made for the exchange.")
    if os.name == "posix" and stat.S_IMODE(connection.key_file.stat().st_mode) & 0o077:
        return note("key", f"others on this machine may read {connection.key_file}", "chmod 600 it.")
    return well("key", f"{key.key_type}, thumbprint {key.thumbprint()}")


def _https_lines(connection: Connection) -> Iterator[Finding]:
    for name, url in (("sign-in provider", connection.issuer), ("gateway", connection.gateway)):
        host, port, secured = network.http_address(url)
        reached = network.reached(f"line to the {name}", host, port)
        yield reached
        if secured and reached.standing != FAULT:
            yield from network.certificate(f"TLS of the {name}", host, port, connection.authority_file)
        elif not secured and host not in network.LOOPBACK:
            yield fault(f"TLS of the {name}", f"{url} is not encrypted", "Its address begins with https://")


def _over_https(connection: Connection, sample: Path | None, now: Callable[[], float]) -> Iterator[Finding]:
    with httpx.Client(timeout=10, verify=trust(connection)) as http:
        named = https.provider(connection, http)
        yield named
        if named.standing == FAULT:
            return
        timed = https.clock(connection, http, now)
        yield timed
    with Gateway(connection, patience=PATIENCE, now=now) as gateway:
        signed_in = https.signed_in(connection, gateway)
        yield signed_in
        if signed_in.standing == FAULT:
            return
        rights = https.rights(connection, gateway)
        yield rights
        if rights.standing != FAULT:
            yield from https.sample(gateway, sample)
            yield https.feed(connection, gateway)


def _over_kafka(connection: Connection) -> Iterator[Finding]:
    if connection.kafka is None:
        yield unseen("Kafka", "the connection file does not name it; HTTPS does everything too")
        return
    first = connection.kafka.bootstrap.split(",")[0]
    parts = urlsplit(f"//{first}")
    host, port = parts.hostname or "", parts.port or 9093
    line = network.reached("line to Kafka", host, port)
    yield line
    if line.standing == FAULT:
        return
    secured = list(network.certificate("TLS of Kafka", host, port, connection.kafka.authority_file))
    yield from secured
    if any(one.standing == FAULT for one in secured):
        return
    try:
        yield from broker.examined(connection.kafka)
    except BadConnection as failure:
        yield fault("Kafka credentials", str(failure), "Name the file with the password that you were given.")
