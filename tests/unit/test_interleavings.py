"""The utility that folds reactions over every interleaving of topics: it finds them all, and what depends on order."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interleavings import interleavings, same_whatever_the_order

LISTS = st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=2, max_size=2)


@given(st.integers(0, 5), st.integers(0, 5))
def test_there_are_as_many_as_there_ways_to_choose_the_places_of_one_topic(first: int, second: int) -> None:
    left, right = [("left", n) for n in range(first)], [("right", n) for n in range(second)]
    found = list(interleavings([left, right]))
    assert len(found) == len(set(found)) == comb(first + second, first)
    for order in found:
        assert [fact for fact in order if fact[0] == "left"] == left
        assert [fact for fact in order if fact[0] == "right"] == right


@given(LISTS)
def test_a_reaction_that_only_collects_ends_the_same_whatever_the_order(lists: list[list[int]]) -> None:
    final = same_whatever_the_order(lambda seen, fact: seen | {fact}, frozenset[int](), lists)
    assert final == frozenset(lists[0]) | frozenset(lists[1])


@given(LISTS)
def test_newest_by_version_ends_the_same_whatever_the_order(lists: list[list[int]]) -> None:
    assert same_whatever_the_order(max, -1, lists) == max([-1, *lists[0], *lists[1]])


def test_a_reaction_that_keeps_the_last_it_heard_is_found_out() -> None:
    with pytest.raises(AssertionError, match="the order matters"):
        same_whatever_the_order(lambda _, fact: fact, "", [["incident"], ["calendar"]])
