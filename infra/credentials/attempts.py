"""What an agency's Kafka user can do and cannot: found out by trying, as that user, through the agencies' own door."""

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError as AioKafkaError
from aiokafka.errors import SaslAuthenticationFailed
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import AuthorizationError, KafkaConnectionError, KafkaError

from infra.kafka.declared import agency_user
from infra.kafka.server import MECHANISM

MARKER = b"proof"
"""A record with a key is nothing that an agency says: the gateway passes it over."""

ANSWERS_WITHIN = 8_000
"""Milliseconds."""

REFUSED = "refused"
DONE = "done"
NOT_SIGNED_IN = "sign-in refused"


@dataclass(frozen=True)
class Tried:
    """One thing tried: what came of it, and what should have."""

    what: str
    expected: str
    came: str

    @property
    def holds(self) -> bool:
        return self.came == self.expected

    def __str__(self) -> str:
        return f"{'ok' if self.holds else 'WRONG':5} {self.what}: {self.came}" + (
            "" if self.holds else f" (it should be: {self.expected})"
        )


@dataclass(frozen=True)
class Door:
    """Where agencies reach the broker, and how they trust it."""

    bootstrap: str
    security: str
    authority: str | None

    @property
    def is_tls(self) -> bool:
        return self.security == "SASL_SSL"

    def settings(self, user: str, password: str) -> dict[str, Any]:
        """kafka-python's settings for that user."""
        return {
            "bootstrap_servers": self.bootstrap.split(","),
            "security_protocol": self.security,
            "ssl_cafile": self.authority,
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": user,
            "sasl_plain_password": password,
            "bootstrap_timeout_ms": ANSWERS_WITHIN,
            "request_timeout_ms": ANSWERS_WITHIN,
        }


def all_that_an_agency_may(door: Door, agency: str, user: str, password: str, others: str) -> list[Tried]:
    """A user that stands: its own works, and nothing besides. `others` is another agency's id."""
    signed_in = sign_in(door, user, password)
    first = Tried(f"{user} signs in", DONE, signed_in)
    if not first.holds:
        return [first]
    told = door.settings(user, password)
    group = f"{agency_user(agency)}.proof"
    own_in, own_out = f"partner.{agency}.inbound", f"partner.{agency}.outbound"
    return [
        first,
        Tried(f"{user} writes {own_in}", DONE, _came(partial(_write, told, own_in))),
        Tried(f"{user} reads {own_out} in its group {group}", DONE, _came(partial(_read, told, own_out, group))),
        *(
            Tried(f"{user} writes {topic}", REFUSED, _came(partial(_write, told, topic)))
            for topic in (own_out, f"partner.{others}.inbound")
        ),
        *(
            Tried(f"{user} reads {topic}", REFUSED, _came(partial(_read, told, topic, group)))
            for topic in (own_in, f"partner.{others}.outbound")
        ),
        *(
            Tried(f"{user} joins the group {name}", REFUSED, _came(partial(_read, told, own_out, name)))
            for name in (f"{agency_user(others)}.proof", "gateway.proof")
        ),
    ]


def nothing_at_all(door: Door, agency: str, user: str, password: str) -> list[Tried]:
    """A user that was denied everything and can still sign in: even its own is refused."""
    told = door.settings(user, password)
    own_in, own_out = f"partner.{agency}.inbound", f"partner.{agency}.outbound"
    group = f"{agency_user(agency)}.proof"
    return [
        Tried(f"{user} writes {own_in}", REFUSED, _came(partial(_write, told, own_in))),
        Tried(f"{user} reads {own_out}", REFUSED, _came(partial(_read, told, own_out, None))),
        Tried(f"{user} joins its group {group}", REFUSED, _came(partial(_read, told, own_out, group))),
    ]


def sign_in(door: Door, user: str, password: str, *, wait: float = 0.0, until: str = DONE) -> str:
    """`done` or `sign-in refused`; asked again for `wait` seconds until it is `until`. Raises KafkaError if no broker
    answers: that proves nothing."""
    end = time.monotonic() + wait
    while True:
        came = asyncio.run(_sign_in(door, user, password))
        if came == until or time.monotonic() > end:
            return came
        time.sleep(0.1)


async def _sign_in(door: Door, user: str, password: str) -> str:
    """By aiokafka's connection alone: kafka-python 3 tries again until its time is up, and under TLS it mostly loses
    the broker's reason, so that a refusal would look like a broker that is away."""
    refused = None
    for place in door.bootstrap.split(","):
        host, _, port = place.rpartition(":")
        try:
            async with asyncio.timeout(ANSWERS_WITHIN / 1000):
                connection = await create_conn(
                    host,
                    int(port),
                    ssl_context=ssl.create_default_context(cafile=door.authority) if door.is_tls else None,
                    security_protocol=door.security,
                    sasl_mechanism=MECHANISM,
                    sasl_plain_username=user,
                    sasl_plain_password=password,
                )
        except SaslAuthenticationFailed:
            return NOT_SIGNED_IN
        except (AioKafkaError, OSError, TimeoutError) as failure:
            refused = failure
            continue
        connection.close()
        return DONE
    raise KafkaConnectionError(f"no broker of {door.bootstrap} answers ({type(refused).__name__})")


def _came(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except AuthorizationError:
        return REFUSED
    except KafkaError as error:
        return type(error).__name__
    return DONE


def _write(settings: dict[str, Any], topic: str) -> None:
    producer = KafkaProducer(**settings, acks="all", max_block_ms=ANSWERS_WITHIN, delivery_timeout_ms=ANSWERS_WITHIN)
    try:
        producer.send(topic, b"", key=MARKER).get(timeout=ANSWERS_WITHIN / 1000)
    finally:
        with suppress(KafkaError):
            producer.close(timeout=1)


def _read(settings: dict[str, Any], topic: str, group: str | None) -> None:
    consumer = KafkaConsumer(**settings, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        if group is not None:
            consumer.committed(place)
        consumer.seek_to_beginning(place)
        consumer.position(place, timeout_ms=ANSWERS_WITHIN)
        consumer.poll(timeout_ms=500, max_records=1)
    finally:
        consumer.close()
