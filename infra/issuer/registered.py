"""The public keys that a client may sign with: a file for each client, read anew for every assertion, so that a key
registered or taken away counts at once and without a restart."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

CURVE = "P-256"


class BadKey(ValueError):
    """What was given as a public key cannot be registered; says why."""


@dataclass(frozen=True)
class Registration:
    """A client's keys, oldest first; with partnerships if it is an agency that the identities file does not name."""

    keys: tuple[ECKey, ...] = ()
    partnerships: tuple[str, ...] = ()

    @property
    def ids(self) -> list[str]:
        """Each key's thumbprint (RFC 7638)."""
        return [key.thumbprint() for key in self.keys]


@dataclass(frozen=True)
class Register:
    """The folder of these files. A client that has a file without keys is known, and shut out."""

    folder: Path

    def has(self, client: str) -> bool:
        """Whether there is such a file. Any text may be asked for: it comes from a caller not yet believed."""
        return re.fullmatch(r"[a-z][a-z0-9-]{1,62}", client) is not None and self._file(client).exists()

    def read(self, client: str) -> Registration:
        """What is registered; nothing for a client without a file."""
        if not self.has(client):
            return Registration()
        told = json.loads(self._file(client).read_text())
        keys = told.get("keys", [told])  # one bare key is how the first installations wrote it
        return Registration(tuple(ECKey.import_key(key) for key in keys), tuple(told.get("partnerships", ())))

    def write(self, client: str, registration: Registration) -> None:
        """Replace what is registered, whole or not at all; only the owner may read it."""
        told: dict[str, Any] = {"keys": [key.as_dict(private=False) for key in registration.keys]}
        if registration.partnerships:
            told["partnerships"] = list(registration.partnerships)
        write_private(self._file(client), json.dumps(told).encode())

    def _file(self, client: str) -> Path:
        return self.folder / f"{client}.json"


def public_key(content: bytes) -> ECKey:
    """A P-256 public key from PEM or JWK. Raises BadKey, for a private key too: it should never have been sent."""
    try:
        key = ECKey.import_key(json.loads(content) if content.lstrip().startswith(b"{") else content)
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadKey("it is no elliptic-curve public key: send PEM or JWK, curve P-256") from None
    if key.is_private:
        raise BadKey("it is a private key, and has left its owner: make a new pair and send the public half")
    if key.curve_name != CURVE:
        raise BadKey(f"its curve is {key.curve_name}: make one on {CURVE} (ES256)")
    return key


def write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, and never readable by another, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    aside.replace(path)
