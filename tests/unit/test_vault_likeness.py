"""When two subjects are proposed as one child, and when they are not."""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from contracts.vault import Likeness
from services.vault.likeness import KnownTrait, Trait, alike, traits

KEY = bytes(range(32))
BORN = "2019-03-04"


def why(known: dict[str, Any], new: dict[str, Any], key: bytes = KEY) -> tuple[Likeness, ...]:
    """What the vault would say of a subject filed before and a new one."""
    before, after = traits(known, KEY), traits(new, key)
    shared = [KnownTrait("subject-1", t.name, t.token) for t in before & after]
    sizes = {("subject-1", name): sum(t.name == name for t in before) for name in {t.name for t in before}}
    return alike(after, shared, sizes).get("subject-1", ())


def child(name: str, born: str | None = BORN, **more: Any) -> dict[str, Any]:
    return {"name": name, "dateOfBirth": born, **more}


def test_the_same_number_is_enough() -> None:
    assert why(child("Ann Lee", nhsNumber="9434765919"), child("Zoe Mbeki", "2001-01-01", nhsNumber="9434765919")) == (
        Likeness.SAME_NHS_NUMBER,
    )
    assert Likeness.SAME_UPN in why(child("A", upn="H801200001001"), child("B", upn="H801200001001"))


def test_names_are_the_same_however_clerks_write_them() -> None:
    known = child("O'Brien, Zoë")
    for written in ("zoe obrien", "ZOE  O’BRIEN", "O'Brien Zoë"):
        assert Likeness.SAME_NAME_AND_DATE_OF_BIRTH in why(known, child(written))


def test_another_name_by_which_a_child_goes_counts() -> None:
    assert Likeness.SAME_NAME_AND_DATE_OF_BIRTH in why(child("Ann Lee", otherNames=["Anna Smith"]), child("Anna Smith"))


def test_a_slip_of_the_pen_is_alike_with_the_same_date_of_birth() -> None:
    assert why(child("Katherine Johnson"), child("Katharine Johnson")) == (Likeness.LIKE_NAME_AND_SAME_DATE_OF_BIRTH,)
    assert why(child("Katherine Johnson"), child("Katharine Johnson", "2019-03-05")) == ()


def test_a_like_name_at_the_same_address_is_alike() -> None:
    known = child("Katherine Johnson", None, address="12 High St., Northtown")
    new = child("Katharine Johnson", "2019-03-05", address="12 high st Northtown")
    assert why(known, new) == (Likeness.LIKE_NAME_AND_SAME_ADDRESS,)


def test_different_children_are_not_alike() -> None:
    assert why(child("Katherine Johnson"), child("Mohammed Begum")) == ()
    assert why(child("Katherine Johnson"), child("Katherine Johnson", "2012-01-01")) == ()


def test_an_unborn_child_is_told_by_the_mothers_name_and_the_expected_date() -> None:
    unborn = {"name": "Ann Lee", "expectedDateOfDelivery": "2026-11-01"}
    assert Likeness.SAME_NAME_AND_DATE_OF_BIRTH in why(unborn, unborn)


def test_tokens_of_two_partnerships_never_meet() -> None:
    assert why(child("Ann Lee", nhsNumber="9434765919"), child("Ann Lee", nhsNumber="9434765919"), bytes(32)) == ()


def test_an_identity_without_anything_to_go_by_has_no_tokens() -> None:
    assert traits({"name": "Ann Lee"}, KEY) == frozenset()
    assert traits({}, KEY) == frozenset()


names = st.text(st.characters(categories=("Lu", "Ll")), min_size=2, max_size=30)


@given(names, st.dates())
def test_whoever_is_filed_twice_is_noticed(name: str, born: Any) -> None:
    assume(name.upper().casefold() == name.casefold())
    assert Likeness.SAME_NAME_AND_DATE_OF_BIRTH in why(child(name, str(born)), child(name.upper(), str(born)))


@given(names, names)
def test_tokens_hold_nothing_of_what_they_are_made_from(name: str, address: str) -> None:
    for trait in traits(child(name, address=address), KEY):
        assert isinstance(trait, Trait)
        assert len(trait.token) == 16
        assert name.encode() not in trait.token
