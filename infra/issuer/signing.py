"""The issuer's own keys: one signs, the next is shown before it does, the last until its tokens have ended."""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from joserfc.jwk import ECKey, KeySet

ALGORITHM = "ES256"
TOKEN_LIVES = 600
"""Seconds that an access token holds."""

KEY_SIGNS = 24 * 3600
"""Seconds that a key signs before the next takes over."""

KEY_SHOWN_BEFORE = 1800
"""Seconds that a key is published before it signs, so that whoever keeps a copy of the key set has it in time."""

KEY_SHOWN_AFTER = TOKEN_LIVES + 300


@dataclass(frozen=True)
class SigningKey:
    """A key and the time (Unix seconds) from which it signs."""

    key: ECKey
    signs_from: float


def rotated(keys: Sequence[SigningKey], now: float, make: Callable[[], ECKey]) -> list[SigningKey]:
    """The keys as they should stand now: oldest first, the next one made in time, those no token needs gone."""
    kept = list(keys) or [SigningKey(make(), now)]
    while kept[-1].signs_from + KEY_SIGNS - KEY_SHOWN_BEFORE <= now:
        kept.append(SigningKey(make(), max(kept[-1].signs_from + KEY_SIGNS, now + KEY_SHOWN_BEFORE)))
    while len(kept) > 1 and kept[1].signs_from + KEY_SHOWN_AFTER <= now:
        kept.pop(0)
    return kept


class SigningKeys:
    """The keys in a file that only its owner may read."""

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._keys = [
            SigningKey(ECKey.import_key(each["key"]), each["signs_from"])
            for each in (json.loads(path.read_text()) if path.exists() else [])
        ]

    def active(self) -> ECKey:
        """The key that signs now."""
        self._rotate()
        now = self._now()
        return [each.key for each in self._keys if each.signs_from <= now][-1]

    def published(self) -> KeySet:
        """The public halves of all keys that a token may be, or may soon be, signed with."""
        self._rotate()
        return KeySet([ECKey.import_key(each.key.as_dict(private=False)) for each in self._keys])

    def _rotate(self) -> None:
        keys = rotated(self._keys, self._now(), _new_key)
        if keys != self._keys:
            self._keys = keys
            self._save()

    def _save(self) -> None:
        content = [{"key": each.key.as_dict(private=True), "signs_from": each.signs_from} for each in self._keys]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file)
        aside.replace(self._path)


def _new_key() -> ECKey:
    return ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
