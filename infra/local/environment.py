"""What each process is told when it starts, and nothing that another's is told: `shared/settings.py` reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.issuer.identities import Installed
from infra.local.home import Home
from infra.local.ports import LOOPBACK
from infra.local.services import Service, StackPorts, plain_environment
from infra.postgres.provision import ServiceDatabase
from shared.identity import audience_of


@dataclass(frozen=True)
class Surroundings:
    """What all processes of one stack have around them."""

    home: Home
    ports: StackPorts
    agencies_file: Path
    identities_file: Path
    installed: Installed
    clock_file: Path | None

    def of_issuer(self) -> dict[str, str]:
        return self._of_all("issuer", self.ports.issuer) | {
            "SX_STATE_DIR": str(self.installed.folder.parent),
            "SX_IDENTITIES_FILE": str(self.identities_file),
        }

    def of_service(
        self, service: Service, process: str, port: int, databases: Mapping[str, ServiceDatabase], kafka_password: Path
    ) -> dict[str, str]:
        """For one process of a service: the runtime role's way into its own databases, never the owner's."""
        ways_in = {
            f"SX_{prefix}DATABASE_URL": databases[name].runtime_url for prefix, name in service.databases.items()
        }
        return (
            self._of_all(service.name, port)
            | ways_in
            | {
                "SX_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{self.ports.kafka}",
                "SX_KAFKA_SECURITY": "SASL_PLAINTEXT",
                "SX_KAFKA_USERNAME": service.name,
                "SX_KAFKA_PASSWORD_FILE": str(kafka_password),
                "SX_AUDIENCE": audience_of(service.name),
                "SX_CLIENT_ID": service.name,
                "SX_CLIENT_KEY_FILE": str(self.installed.key_file(service.name)),
                "SX_CURSOR_KEY_FILE": str(self.home.secrets / f"cursor-{service.name}"),
                "SX_STATE_DIR": str(self.home.folder / "services" / process),
                "SX_VAULT_URL": self.ports.url("vault"),
                "SX_GATEWAY_URL": self.ports.url("gateway"),
                "SX_NOTIFICATIONS_URL": self.ports.url("notifications"),
                "SX_AGENCIES_FILE": str(self.agencies_file),
                "SX_SMTP_HOST": LOOPBACK,
                "SX_SMTP_PORT": str(self.ports.smtp),
            }
        )

    def of_migrations(self, service: Service, databases: Mapping[str, ServiceDatabase]) -> dict[str, str]:
        """The owner's way in, for the short time that migrations take, and the runtime role to grant to."""
        told = plain_environment()
        for prefix, name in service.databases.items():
            told[f"SX_OWNER_{prefix}DATABASE_URL"] = databases[name].owner_url
            told[f"SX_{prefix}DATABASE_URL"] = databases[name].runtime_url
        return told

    def _of_all(self, service: str, port: int) -> dict[str, str]:
        told = plain_environment() | {
            "SX_SERVICE": service,
            "SX_MODE": "local",
            "SX_HTTP_HOST": LOOPBACK,
            "SX_HTTP_PORT": str(port),
            "SX_ISSUER": self.ports.url("issuer"),
        }
        return told if self.clock_file is None else told | {"SX_CLOCK_FILE": str(self.clock_file)}
