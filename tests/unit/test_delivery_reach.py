"""What is remembered of whom a fact reaches is what would be found anew."""

from dataclasses import replace

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


@pytest.mark.parametrize("asked", [frozenset[str](), frozenset({OTHER})])
def test_who_takes_part_no_more_loses_the_rest_though_a_review_asks_it(asked: frozenset[str]) -> None:
    left = Matter("northbank", participants=frozenset({HOST}), asked=asked)
    joined = Matter("northbank", participants=frozenset({HOST, OTHER}), asked=asked)
    known = Reach(directory())
    assert known.lost(joined, left) == {OTHER}
    assert known.lost(left, joined) == set()


def test_who_is_asked_alone_loses_that_when_it_is_shut_out() -> None:
    asked = Matter("northbank", participants=frozenset({HOST}), asked=frozenset({OTHER}))
    shut_out = replace(asked, excluded_agencies=frozenset({OTHER}))
    assert Reach(directory()).lost(asked, shut_out) == {OTHER}


def test_another_directory_is_judged_by_itself() -> None:
    first, second = directory(), directory()
    assert reach(first) is reach(first)
    assert reach(second).directory is second
