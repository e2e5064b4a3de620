"""What a hostile or broken sender tries: refused in words that name the place, with nothing of it taken on trust."""

from typing import Any

import pytest

from contracts.directory import directory_from
from contracts.identifiers import mint, mint_reference
from contracts.sealing import is_reference
from services.gateway.checks import Arrival, Checked, Rejected, check
from tests.faults.gateway.ground import AGENCIES, NOW, POLICE, referral

DIRECTORY = directory_from(AGENCIES.read_text(encoding="utf-8"))


def checked(value: Any) -> Checked:
    party = DIRECTORY.member(POLICE)
    assert party is not None
    return check(value, Arrival(party, NOW), DIRECTORY)


def refused(value: Any) -> tuple[int, set[tuple[str, str]]]:
    with pytest.raises(Rejected) as rejected:
        checked(value)
    return rejected.value.status, {(fault.pointer, fault.rule) for fault in rejected.value.faults}


def with_child(**changed: Any) -> dict[str, Any]:
    value = referral()
    (child, *others) = value["data"]["children"]
    return value | {"data": value["data"] | {"children": [child | changed, *others]}}


def with_data(**changed: Any) -> dict[str, Any]:
    value = referral()
    return value | {"data": value["data"] | changed}


@pytest.mark.parametrize("depth", [300, 1000])
def test_what_is_nested_too_deeply_is_refused_as_its_senders_fault(depth: int) -> None:
    nested: Any = "x"
    for _ in range(depth):
        nested = [nested]
    assert refused(with_data(summary=nested)) == (422, {("", "too-deep")})


def test_a_referral_may_not_claim_a_child_that_is_filed_already() -> None:
    assert refused(with_child(subject=mint("subject"))) == (422, {("/data/children/0/subject", "given-by-the-owner")})


def test_a_referral_may_not_point_to_what_is_filed_of_another_incident() -> None:
    stolen = mint_reference()
    assert refused(with_child(identity=stolen, ageAtIncident=6)) == (
        422,
        {("/data/children/0/identity", "not-of-this-incident")},
    )
    assert refused(with_data(summary=stolen)) == (422, {("/data/summary", "not-of-this-incident")})


def test_words_that_only_look_like_a_reference_are_words() -> None:
    disguised = "vault:" + "ChildAofTheHouseAtTheCornerXXXXXXXX"[:32]
    assert len(disguised) == len(mint_reference())
    assert not is_reference(disguised)
    assert not is_reference(mint_reference() + "\n")
    assert is_reference(mint_reference())
    assert checked(with_data(summary=disguised))  # they are taken, and sealed like any others


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("/data/children/0/knownTo", with_child(knownTo=["health"] * 300_000)),
        ("/data/otherAreasToNotify", with_data(otherAreasToNotify=[f"E{n:08d}" for n in range(2000)])),
    ],
)
def test_a_list_without_end_is_refused_before_it_can_grow_into_a_record_that_kafka_does_not_take(
    place: str, value: dict[str, Any]
) -> None:
    assert refused(value) == (422, {(place, "too-many")})
