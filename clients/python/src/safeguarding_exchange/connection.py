"""Where an agency's system finds the exchange, and with what it signs in: one JSON file, which holds no secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safeguarding_exchange.failures import BadConnection


@dataclass(frozen=True)
class KafkaAccess:
    """The agency's way to the broker: SCRAM-SHA-512 over TLS, its own two topics, and groups under its own name."""

    bootstrap: str
    user: str
    password_file: Path
    authority_file: Path | None
    inbound: str
    outbound: str
    group: str

    @property
    def password(self) -> str:
        """What the password file holds. Raises BadConnection."""
        return _content(self.password_file, "kafka.passwordFile")


@dataclass(frozen=True)
class Connection:
    """What a connection file says. `authority_file` is what to trust over HTTPS, where that is a private one."""

    agency: str
    partnership: str
    gateway: str
    issuer: str
    key_file: Path
    authority_file: Path | None = None
    kafka: KafkaAccess | None = None

    @classmethod
    def read(cls, file: Path | str) -> "Connection":
        """The connection in a file; file names in it are taken from where it lies. Raises BadConnection."""
        path = Path(file)
        text = _content(path, "the connection file")
        try:
            told = json.loads(text)
        except ValueError as fault:
            raise BadConnection(f"{path} is not JSON ({fault}): docs/for-agencies.md shows one whole") from None
        if not isinstance(told, dict):
            raise BadConnection(f"{path} does not hold a JSON object")
        return cls.of(told, path.parent)

    @classmethod
    def of(cls, told: Mapping[str, Any], folder: Path) -> "Connection":
        """The connection that such an object describes. Raises BadConnection."""
        agency = _text(told, "agency")
        return cls(
            agency=agency,
            partnership=_text(told, "partnership"),
            gateway=_text(told, "gateway").rstrip("/"),
            issuer=_text(told, "issuer").rstrip("/"),
            key_file=folder / _text(told, "keyFile"),
            authority_file=_file(told, "authorityFile", folder),
            kafka=_kafka(told["kafka"], agency, folder) if told.get("kafka") else None,
        )

    @property
    def key_pem(self) -> str:
        """What the key file holds. Raises BadConnection."""
        return _content(self.key_file, "keyFile")

    @property
    def broker(self) -> KafkaAccess:
        """The way to the broker. Raises BadConnection where the file names none."""
        if self.kafka is None:
            raise BadConnection("The connection file has no member `kafka`: add it, or go over HTTPS")
        return self.kafka


def _kafka(told: Any, agency: str, folder: Path) -> KafkaAccess:
    if not isinstance(told, dict):
        raise BadConnection("The member `kafka` is an object, with `bootstrap` and `passwordFile`")
    user = _text(told, "user", default=f"agency.{agency}", within="kafka.")
    return KafkaAccess(
        bootstrap=_text(told, "bootstrap", within="kafka."),
        user=user,
        password_file=folder / _text(told, "passwordFile", within="kafka."),
        authority_file=_file(told, "authorityFile", folder, within="kafka."),
        inbound=_text(told, "inbound", default=f"partner.{agency}.inbound", within="kafka."),
        outbound=_text(told, "outbound", default=f"partner.{agency}.outbound", within="kafka."),
        group=_text(told, "group", default=f"agency.{agency}.feed", within="kafka."),
    )


def _text(told: Mapping[str, Any], name: str, *, default: str | None = None, within: str = "") -> str:
    value = told.get(name, default)
    if not isinstance(value, str) or not value:
        raise BadConnection(f"The connection file needs a text under `{within}{name}`")
    return value


def _file(told: Mapping[str, Any], name: str, folder: Path, *, within: str = "") -> Path | None:
    return folder / _text(told, name, within=within) if told.get(name) is not None else None


def _content(path: Path, what: str) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "not text"
        raise BadConnection(f"{path}, which is {what}, cannot be read: {reason}") from None
