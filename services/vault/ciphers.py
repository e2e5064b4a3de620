"""Envelope encryption: each thing under the key of its owner, each such key under a master key.

XChaCha20-Poly1305 throughout (libsodium by PyNaCl): its nonces are long enough to be drawn at random for ever.
"""

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import Aead
from nacl.utils import random

KEY_BYTES = Aead.KEY_SIZE


class Damaged(Exception):
    """What lies in the store is not what was put there under this reference: an operator must look."""


class UnknownMasterKey(Exception):
    """A key is wrapped by a master key that this process was not given: add its line to the master key file."""


class UnsafeKeyFile(Exception):
    """The master key file may be read by others than its owner, or cannot be understood."""


def new_key() -> bytes:
    """A fresh data key."""
    return random(KEY_BYTES)


def binding(*parts: str | int | None) -> bytes:
    """What a ciphertext is bound to, so that none can stand in another's place; lengths keep parts apart."""
    texts = ["" if part is None else str(part) for part in parts]
    return b"".join(len(text.encode()).to_bytes(4, "big") + text.encode() for text in texts)


def lock(key: bytes, plaintext: bytes, bound_to: bytes) -> bytes:
    """The ciphertext, its nonce in front."""
    return bytes(Aead(key).encrypt(plaintext, aad=bound_to))


def unlock(key: bytes, ciphertext: bytes, bound_to: bytes) -> bytes:
    """What `lock` was given. Raises Damaged for any other key, place or byte."""
    try:
        return Aead(key).decrypt(ciphertext, aad=bound_to)
    except (CryptoError, ValueError):
        raise Damaged("it does not open under its own key, in its own place") from None


@dataclass(frozen=True)
class Wrapped:
    """A key under a master key."""

    master: str
    ciphertext: bytes


class MasterKeys:
    """The master keys of a file, one a line: an id, a space, 32 bytes in base64. The last is the current one."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise UnsafeKeyFile("the master key file needs at least one line: an id, a space, 32 bytes in base64")
        self._keys = dict(keys)
        self.current = next(reversed(self._keys))

    @classmethod
    def read(cls, path: Path) -> "MasterKeys":
        """Raises UnsafeKeyFile, FileNotFoundError."""
        if path.stat().st_mode & 0o077:
            raise UnsafeKeyFile(f"{path.name} may be read by others than its owner: chmod 600 it")
        try:
            lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
            return cls({name: base64.b64decode(key, validate=True) for name, key in lines})
        except ValueError:
            raise UnsafeKeyFile(f"{path.name} has a line that is no master key: an id, a space, base64") from None

    @classmethod
    def begin(cls, path: Path) -> "MasterKeys":
        """Makes the first master key. Only for a key store that holds nothing yet."""
        return cls._append(path)

    @classmethod
    def add(cls, path: Path) -> "MasterKeys":
        """Adds a new current master key; what there is must then be wrapped again (`KeyStore.rewrap`)."""
        cls.read(path)
        return cls._append(path)

    @classmethod
    def _append(cls, path: Path) -> "MasterKeys":
        name = f"master-{random(4).hex()}"
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"{name} {base64.b64encode(new_key()).decode()}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        return cls.read(path)

    def wrap(self, key: bytes, owner: str) -> Wrapped:
        """A data key under the current master key, bound to whose it is."""
        return Wrapped(self.current, lock(self._keys[self.current], key, binding("key", owner)))

    def unwrap(self, wrapped: Wrapped, owner: str) -> bytes:
        """The data key. Raises UnknownMasterKey, Damaged."""
        if wrapped.master not in self._keys:
            raise UnknownMasterKey(wrapped.master)
        return unlock(self._keys[wrapped.master], wrapped.ciphertext, binding("key", owner))
