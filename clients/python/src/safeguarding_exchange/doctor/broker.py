"""Signing in at the broker, and what it lets this agency's user do."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kafka.admin import KafkaAdminClient
from kafka.errors import AuthorizationError, KafkaError

from safeguarding_exchange import kafka_access
from safeguarding_exchange.connection import KafkaAccess
from safeguarding_exchange.doctor.findings import Finding, fault, unseen, well

SECONDS = 8
KNOWN_AS_KAFKA = "Broker version identified"


def examined(access: KafkaAccess) -> Iterator[Finding]:
    """Signing in, both topics and the group."""
    with _heard() as heard:
        try:
            client: Any = KafkaAdminClient(**kafka_access.settings(access), bootstrap_timeout_ms=SECONDS * 1000)
        except KafkaError as failure:
            yield _kept_out(access, failure, heard)
            yield unseen("topics and group", "signing in comes first")
            return
    try:
        yield well("Kafka credentials", f"signed in as {access.user}")
        yield from _topics(client, access)
        yield _group(client, access)
    finally:
        with suppress(KafkaError):
            client.close()


def _kept_out(access: KafkaAccess, failure: KafkaError, heard: list[str]) -> Finding:
    # kafka-python 3.0 does not tell a refused password from a line that breaks: the broker hangs up on it either way.
    # But by then it has told its version, and TLS was looked at before.
    if any(KNOWN_AS_KAFKA in line for line in heard):
        remedy = (
            "See that user and passwordFile are those you were given last, and ask the exchange whether they were"
            " changed or revoked."
        )
        return fault("Kafka credentials", f"the broker refuses the user {access.user} with this password", remedy)
    remedy = "See that kafka.bootstrap names the listener for agencies."
    return fault("Kafka credentials", f"what answers there is no Kafka ({type(failure).__name__})", remedy)


def _topics(client: Any, access: KafkaAccess) -> Iterator[Finding]:
    wanted = {access.inbound: ("WRITE", "write"), access.outbound: ("READ", "read")}
    try:
        told = {topic["name"]: topic for topic in client.describe_topics(list(wanted))}
    except KafkaError as failure:
        yield fault("topics", f"the broker does not say ({type(failure).__name__})", "Try again shortly.")
        return
    for name, (operation, words) in wanted.items():
        allowed = told.get(name, {}).get("authorized_operations") or ()
        if operation in allowed:
            yield well(f"topic {name}", f"may be {words if words == 'read' else 'written'}")
        else:
            own = access.user.removeprefix("agency.")
            way = "inbound" if operation == "WRITE" else "outbound"
            remedy = f"It is partner.{own}.{way}: correct kafka.{way}, or ask the exchange for the grant."
            yield fault(f"topic {name}", f"{access.user} may not {words} it, or there is none", remedy)


def _group(client: Any, access: KafkaAccess) -> Finding:
    what = f"group {access.group}"
    try:
        client.list_group_offsets(access.group)
    except AuthorizationError:
        remedy = f"Give it a name that begins with {access.user}. (kafka.group)."
        return fault(what, f"{access.user} may not use a group of this name", remedy)
    except KafkaError as failure:
        return fault(what, f"the broker does not say ({type(failure).__name__})", "Try again shortly.")
    return well(what, "may be used")


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What kafka-python logs meanwhile, kept from the terminal."""
    lines: list[str] = []

    class Keeps(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    logger, keeps = logging.getLogger("kafka"), Keeps()
    before = logger.level, logger.propagate
    logger.addHandler(keeps)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield lines
    finally:
        logger.removeHandler(keeps)
        logger.setLevel(before[0])
        logger.propagate = before[1]
