"""What is remembered of whom a fact reaches is what would be found anew."""

import pytest

from contracts.access import Matter
from contracts.agreements import ExclusionApproved, ExclusionBasis
from contracts.sealing import Model
from services.delivery.reach import Reach, reach
from services.delivery.rights import Matters, Recall, sight
from tests.unit.gateway_stories import event, london, referral, told
from tests.unit.test_delivery_excluding import HOST, OTHER, directory

AT = london("2026-03-11")
ONE, TWO = "incident-" + "1" * 32, "incident-" + "2" * 32
SAID: tuple[Model, ...] = (
    told(OTHER, AT),
    ExclusionApproved(agency=OTHER, basis=ExclusionBasis.OTHER),
    referral(),
)


@pytest.mark.parametrize("recall", [None, Recall(), Recall(frozenset({OTHER}))])
@pytest.mark.parametrize("partnerships", [None, ["northbank"], ["elsewhere"]])
def test_what_is_remembered_is_what_would_be_judged_anew(recall: Recall | None, partnerships: list[str] | None) -> None:
    known = directory()
    remembered = Reach(known)
    here = Matter("northbank", participants=frozenset({OTHER, HOST}), areas=frozenset({"E06000001"}))
    elsewhere = Matter("southbank", participants=frozenset({OTHER}))
    matters = Matters({ONE: here, TWO: elsewhere}, {ONE: "E06000001"})
    for _ in range(2):
        for subject in (ONE, TWO, "incident-" + "3" * 32):
            for data in SAID:
                fact = event(data, AT, subject, agency=HOST)
                for agency in (HOST, OTHER, "nobody"):
                    anew = sight(known, agency, fact, matters, partnerships, recall)
                    assert remembered.sight(agency, fact, matters, partnerships, recall) == anew


def test_readers_are_those_who_would_see_it_one_by_one() -> None:
    known = directory()
    matters = Matters({ONE: Matter("northbank", participants=frozenset({OTHER, HOST}))})
    for data in SAID:
        fact = event(data, AT, ONE, agency=HOST)
        one_by_one = {agency: sight(known, agency, fact, matters) for agency in known.agencies}
        seen = {agency: each for agency, each in one_by_one.items() if each is not None}
        assert Reach(known).readers(fact, matters) == seen
        assert HOST in seen


def test_another_directory_is_judged_by_itself() -> None:
    first, second = directory(), directory()
    assert reach(first) is reach(first)
    assert reach(second).directory is second
