"""Sealing to the vault's public key, in memory: what was sealed only the vault can open."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import uuid4

import orjson
from nacl.public import PublicKey, SealedBox

from contracts.identifiers import mint_reference
from shared.telemetry import current_traceparent

Kind = Literal["narrative", "identity", "contact", "place", "entry", "quarantine", "parked"]


class NoSealingKey(Exception):
    """The vault's key has never been fetched: this service cannot take in words yet. Time mends it."""


class SealingKeyRetired(Exception):
    """The parcel was sealed to a key that was retired meanwhile: refresh the sealer and seal again. Time mends it."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A public key of the vault's; its id is the beginning of its SHA-256."""

    id: str
    public: bytes

    @classmethod
    def of(cls, public: bytes) -> "SealingKey":
        return cls(f"seal-{sha256(public).hexdigest()[:24]}", public)


@dataclass(frozen=True, slots=True)
class Sealable:
    """One thing to seal, under the reference that takes its place.

    `subjects` are the people whom a narrative may speak of: those of the event it came with. What belongs neither to
    a subject nor to an incident (a message that cannot be read) is filed under its kind and whose it is.
    """

    ref: str
    kind: Kind
    value: Any
    under: Literal["incident", "subject"] = "incident"
    incident: str | None = None
    subject: str | None = None
    subjects: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "ref": self.ref,
            "kind": self.kind,
            "under": self.under,
            "incident": self.incident,
            "subject": self.subject,
            "subjects": self.subjects,
            "value": self.value,
        }


@dataclass(frozen=True, slots=True)
class Parcel:
    """One sealed box: what one event held. `refs` are the references that lie in it."""

    id: str
    key_id: str
    refs: tuple[str, ...]
    ciphertext: bytes


class Sealer:
    """Seals to the vault's current public key (libsodium sealed boxes), in memory and without I/O."""

    def __init__(self, key: SealingKey | None = None) -> None:
        self._key = key
        self._box = SealedBox(PublicKey(key.public)) if key else None

    @property
    def key(self) -> SealingKey | None:
        """The key in use; None before the first was fetched."""
        return self._key

    def use(self, key: SealingKey) -> None:
        """Seals to this key from now on."""
        if key != self._key:
            self._key, self._box = key, SealedBox(PublicKey(key.public))

    def seal(
        self,
        items: Sequence[Sealable],
        *,
        partnership: str,
        agency: str | None,
        event: str | None = None,
        traceparent: str | None = None,
    ) -> Parcel:
        """One box for all that an event holds (a box costs some 70 µs, however many things lie in it).

        `agency` is whose words they are, `event` the id of the event they came with, `traceparent` the trace that the
        vault goes on with when it files them: that of the current span where none is given. Raises NoSealingKey.
        """
        if self._key is None or self._box is None:
            raise NoSealingKey
        parcel = f"parcel-{uuid4().hex}"
        plaintext = orjson.dumps(
            {
                "parcel": parcel,
                "sealedAt": datetime.now(UTC),
                "partnership": partnership,
                "agency": agency,
                "event": event,
                "traceparent": traceparent or current_traceparent(),
                "items": [item.as_json() for item in items],
            }
        )
        return Parcel(parcel, self._key.id, tuple(item.ref for item in items), self._box.encrypt(plaintext))


def unreadable(
    raw: bytes, *, kind: Literal["quarantine", "parked"], origin: Mapping[str, Any], incident: str | None = None
) -> Sealable:
    """A message's bytes as they came, for the quarantine or for a parked event. `origin` holds codes only:
    topic, partition, offset, agency, reason."""
    value = {"origin": dict(origin), "bytes": base64.b64encode(raw).decode()}
    return Sealable(mint_reference(), kind, value, incident=incident)
