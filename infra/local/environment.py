"""What each process is told when it starts, and nothing that another's is told: `shared/settings.py` reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from infra.local.services import Service, plain_environment
from infra.postgres.provision import ServiceDatabase
from shared.identity import audience_of


@dataclass(frozen=True)
class Addresses:
    """Where the parts of one stack find each other. `listen` is the address that processes listen on."""

    listen: str
    issuer: str
    gateway: str
    vault: str
    notifications: str
    delivery: str
    rapid_review: str
    kafka: str
    smtp_host: str
    smtp_port: int


@dataclass(frozen=True)
class Files:
    """The files that one process may read; `state` is the folder that it alone may write to."""

    state: PurePath
    client_key: PurePath
    kafka_password: PurePath
    cursor_key: PurePath
    clock: PurePath | None = None


def service_environment(
    service: Service, port: int, at: Addresses, files: Files, databases: Mapping[str, ServiceDatabase]
) -> dict[str, str]:
    """For one process of a service: the runtime role's way into its own databases, never the owner's."""
    ways_in = {f"SX_{prefix}DATABASE_URL": databases[name].runtime_url for prefix, name in service.databases.items()}
    clock = {} if files.clock is None else {"SX_CLOCK_FILE": str(files.clock)}
    return (
        _of_all(service.name, port, at)
        | ways_in
        | clock
        | {
            "SX_KAFKA_BOOTSTRAP": at.kafka,
            "SX_KAFKA_SECURITY": "SASL_PLAINTEXT",
            "SX_KAFKA_USERNAME": service.name,
            "SX_KAFKA_PASSWORD_FILE": str(files.kafka_password),
            "SX_AUDIENCE": audience_of(service.name),
            "SX_CLIENT_ID": service.name,
            "SX_CLIENT_KEY_FILE": str(files.client_key),
            "SX_CURSOR_KEY_FILE": str(files.cursor_key),
            "SX_STATE_DIR": str(files.state),
            "SX_VAULT_URL": at.vault,
            "SX_GATEWAY_URL": at.gateway,
            "SX_NOTIFICATIONS_URL": at.notifications,
            "SX_DELIVERY_URL": at.delivery,
            "SX_RAPID_REVIEW_URL": at.rapid_review,
            "SX_SMTP_HOST": at.smtp_host,
            "SX_SMTP_PORT": str(at.smtp_port),
        }
    )


def issuer_environment(port: int, at: Addresses, *, state: PurePath, identities: PurePath) -> dict[str, str]:
    """For the issuer: who may sign in, and where it keeps what was made for them."""
    return _of_all("issuer", port, at) | {"SX_STATE_DIR": str(state), "SX_IDENTITIES_FILE": str(identities)}


def migrations_environment(service: Service, databases: Mapping[str, ServiceDatabase]) -> dict[str, str]:
    """The owner's way in, for the short time that migrations take, and the runtime role to grant to."""
    told = plain_environment()
    for prefix, name in service.databases.items():
        told[f"SX_OWNER_{prefix}DATABASE_URL"] = databases[name].owner_url
        told[f"SX_{prefix}DATABASE_URL"] = databases[name].runtime_url
    return told


def _of_all(service: str, port: int, at: Addresses) -> dict[str, str]:
    return plain_environment() | {
        "SX_SERVICE": service,
        "SX_MODE": "local",
        "SX_HTTP_HOST": at.listen,
        "SX_HTTP_PORT": str(port),
        "SX_ISSUER": at.issuer,
    }
