"""How kafka-python is told to reach the broker as an agency."""

from typing import Any

from safeguarding_exchange.connection import KafkaAccess


def settings(access: KafkaAccess) -> dict[str, Any]:
    """What every client of kafka-python needs. Raises BadConnection."""
    told: dict[str, Any] = {
        "bootstrap_servers": access.bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": access.user,
        "sasl_plain_password": access.password,
    }
    if access.authority_file is not None:
        told["ssl_cafile"] = str(access.authority_file)
    return told
