"""How a service signs in to Kafka, as FastStream and as aiokafka want to be told."""

import ssl
from typing import Any

from faststream.security import BaseSecurity, SASLScram512

from shared.settings import Settings


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


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.kafka_security != "SASL_SSL":
        return None
    return ssl.create_default_context(cafile=settings.kafka_ca_file or None)
