"""Sealing: what a service puts away only the vault can open."""

import orjson
import pytest
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from contracts.identifiers import mint, mint_reference
from shared.vault_client import NoSealingKey, Sealable, Sealer, SealingKey, unreadable

WORDS = "seen at the bus station by a neighbour"


def narrative(incident: str) -> Sealable:
    return Sealable(mint_reference(), "narrative", WORDS, incident=incident, subjects=(mint("subject"),))


def sealer() -> tuple[Sealer, PrivateKey]:
    private = PrivateKey.generate()
    return Sealer(SealingKey.of(bytes(private.public_key))), private


def test_a_parcel_holds_all_that_an_event_held_and_shows_none_of_it() -> None:
    sealing, private = sealer()
    items = [narrative(mint("incident")) for _ in range(3)]
    parcel = sealing.seal(items, partnership="northshire", agency="northshire-police", event="event-1")
    assert WORDS.encode() not in parcel.ciphertext
    assert parcel.refs == tuple(item.ref for item in items)
    opened = orjson.loads(SealedBox(private).decrypt(parcel.ciphertext))
    assert opened["parcel"] == parcel.id
    assert opened["partnership"] == "northshire"
    assert [item["value"] for item in opened["items"]] == [WORDS] * 3
    assert opened["items"][0]["subjects"] == list(items[0].subjects)


def test_a_parcel_carries_the_trace_it_was_sealed_in() -> None:
    sealing, private = sealer()
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    parcel = sealing.seal([narrative(mint("incident"))], partnership="northshire", agency=None, traceparent=trace)
    assert orjson.loads(SealedBox(private).decrypt(parcel.ciphertext))["traceparent"] == trace


def test_another_key_does_not_open_a_parcel() -> None:
    sealing, _ = sealer()
    parcel = sealing.seal([narrative(mint("incident"))], partnership="northshire", agency=None)
    with pytest.raises(CryptoError):
        SealedBox(PrivateKey.generate()).decrypt(parcel.ciphertext)


def test_a_sealer_turns_to_the_new_key_at_once() -> None:
    sealing, old = sealer()
    new = PrivateKey.generate()
    sealing.use(SealingKey.of(bytes(new.public_key)))
    parcel = sealing.seal([narrative(mint("incident"))], partnership="northshire", agency=None)
    assert parcel.key_id == SealingKey.of(bytes(new.public_key)).id
    assert SealedBox(new).decrypt(parcel.ciphertext)
    with pytest.raises(CryptoError):
        SealedBox(old).decrypt(parcel.ciphertext)


def test_without_the_vaults_key_nothing_is_sealed() -> None:
    with pytest.raises(NoSealingKey):
        Sealer().seal([narrative(mint("incident"))], partnership="northshire", agency=None)


def test_a_message_that_cannot_be_read_is_sealed_byte_for_byte() -> None:
    item = unreadable(b"\xff\x00 not JSON", kind="quarantine", origin={"topic": "partner.northshire-police.inbound"})
    assert item.value["bytes"] == "/wAgbm90IEpTT04="
    assert item.ref.startswith("vault:")
