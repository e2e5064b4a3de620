"""How a service signs in to Kafka, as FastStream and as aiokafka want to be told."""

import asyncio
import ssl
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from faststream.security import BaseSecurity, SASLScram512

from shared.settings import BadSettings, Settings

NOBODYS_TOPIC = "sx-granted-to-nobody"
"""There is none of this name, and no service is granted it."""

TOPIC_AUTHORIZATION_FAILED = 29


def consumer_security(settings: Settings) -> BaseSecurity:
    """For FastStream's broker."""
    context = _tls(settings)
    return SASLScram512(
        settings.kafka_username, settings.kafka_password, ssl_context=context, use_ssl=context is not None
    )


def producer_settings(settings: Settings) -> dict[str, Any]:
    """For aiokafka's producer, in the relay."""
    return {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": settings.kafka_password,
        "ssl_context": _tls(settings),
    }


async def require_authorisation(settings: Settings) -> None:
    """Raises BadSettings where the broker lets this service ask about what it was never granted. Raises KafkaError.

    A broker without authorisation would let every agency read every topic, and nothing else would tell.
    """
    admin = AIOKafkaAdminClient(**producer_settings(settings))
    try:
        await admin.start()
        (told,) = await admin.describe_topics([NOBODYS_TOPIC])
    finally:
        await admin.close()
    if told["error_code"] != TOPIC_AUTHORIZATION_FAILED:
        raise BadSettings(
            [
                "SX_KAFKA_BOOTSTRAP names a broker that lets this service do what it was not granted: set its"
                " authorizer.class.name, allow.everyone.if.no.acl.found=false, keep this user out of super.users, then"
                " apply what is declared (python -m infra.kafka)"
            ]
        )


class Ends:
    """Where partitions end, asked over a consumer that reads nothing: so the broker answers at once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: AIOKafkaConsumer | None = None
        self._joining = asyncio.Lock()

    async def __call__(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The offset behind the last record of each. Raises KafkaError."""
        async with self._joining:
            if self._consumer is None:
                consumer = AIOKafkaConsumer(**producer_settings(self._settings), group_id=None)
                await consumer.start()
                self._consumer = consumer
        ends: Mapping[TopicPartition, int] = await self._consumer.end_offsets(list(partitions))
        return ends

    async def close(self) -> None:
        """End the connection."""
        if self._consumer is not None:
            await self._consumer.stop()


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.kafka_security != "SASL_SSL":
        return None
    return ssl.create_default_context(cafile=settings.kafka_ca_file or None)
