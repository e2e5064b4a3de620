"""What lies in a parcel, and how it is opened; pure but for the key that opens it."""

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.envelope import EventId
from contracts.identifiers import AgencyId, IncidentId, PartnershipId, Reference, SubjectId
from services.vault.ciphers import binding
from shared.vault_client import Kind
from shared.vault_client.parcels import WaitingParcel


class Unopenable(Exception):
    """A parcel that cannot be filed; it stays where it is until an operator has looked. `why` is a code."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Sealed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SealedItem(_Sealed):
    """One thing in a parcel."""

    ref: Reference
    kind: Kind
    under: Literal["incident", "subject"]
    incident: IncidentId | None = None
    subject: SubjectId | None = None
    subjects: Annotated[tuple[SubjectId, ...], Field(max_length=200)] = ()
    value: Any

    @model_validator(mode="after")
    def _whole(self) -> "SealedItem":
        if self.under == "subject" and self.subject is None:
            raise ValueError("what is filed under a subject names it")
        if self.kind == "identity" and not isinstance(self.value, dict):
            raise ValueError("an identity is an object")
        if self.kind in ("quarantine", "parked") and not isinstance(self.value, dict):
            raise ValueError("a message that cannot be read comes with its origin")
        return self


class OpenedParcel(_Sealed):
    """All that one event held."""

    parcel: str
    sealed_at: Annotated[AwareDatetime, Field(alias="sealedAt")]
    partnership: PartnershipId
    agency: AgencyId | None = None
    event: EventId | None = None
    traceparent: str | None = None
    items: Annotated[tuple[SealedItem, ...], Field(min_length=1)]

    def owner_of(self, item: SealedItem) -> str:
        """Under whose key a thing is filed."""
        if item.under == "subject":
            return str(item.subject)
        return item.incident or f"{item.kind}-{self.agency or self.partnership}"


def open_parcel(waiting: WaitingParcel, private: PrivateKey) -> OpenedParcel:
    """Raises Unopenable, never with anything that lay in the parcel."""
    try:
        plaintext = SealedBox(private).decrypt(base64.b64decode(waiting.ciphertext, validate=True))
    except (CryptoError, ValueError):
        raise Unopenable("does-not-open") from None
    try:
        opened = OpenedParcel.model_validate_json(plaintext)
    except ValidationError:
        raise Unopenable("malformed") from None
    if opened.parcel != waiting.id or {item.ref for item in opened.items} != set(waiting.refs):
        raise Unopenable("mislabelled")
    if len({item.ref for item in opened.items}) != len(opened.items):
        raise Unopenable("same-reference-twice")
    return opened


def place_of(
    *, ref: str, owner: str, kind: str, incident: str | None, subject: str | None, partnership: str, sealed_at: datetime
) -> bytes:
    """What a filed thing is bound to: moved to another row, or its row to another incident, it does not open."""
    return binding("item", ref, owner, kind, incident, subject, partnership, int(sealed_at.timestamp()))
