"""What a decision is tested against: every criterion has its words, and what was not verified is shown as such."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.review_codes import Criterion
from contracts.rules import Status
from contracts.rules.criteria import CriteriaList, CriterionRecord, criteria, published

TODAY = date(2026, 11, 22)
REGULATION_11 = {"improvements_needed", "recurrent_themes", "agencies_working_together", "panel_prefers_local"}


def test_every_criterion_that_a_decision_can_name_has_its_record() -> None:
    assert list(criteria(TODAY)) == list(Criterion)


def test_those_of_regulation_11_were_read_and_the_second_list_is_shown_as_not_verified() -> None:
    for criterion, record in criteria(TODAY).items():
        read = criterion.value in REGULATION_11
        assert record.list is (CriteriaList.REGULATION_11 if read else CriteriaList.REGARD)
        assert record.status is (Status.READ if read else Status.UNVERIFIED)
        assert ("(not verified)" in record.shown) == (not read)
        assert read or record.note


def test_a_partnerships_own_wording_takes_over_there_and_from_its_date_alone() -> None:
    first = published()[0]
    own = first.model_copy(
        update={"partnership": "northshire", "effective_from": TODAY, "words": "What the partnership would say of it."}
    )
    records = (*published(), own)
    assert criteria(TODAY, "northshire", records)[first.id] == own
    assert criteria(TODAY - timedelta(days=1), "northshire", records)[first.id] == first
    assert criteria(TODAY, "southmere", records)[first.id] == first
    assert criteria(TODAY, None, records)[first.id] == first


@given(days=st.integers(0, 3000))
def test_two_editions_of_one_criterion_are_never_in_force_together(days: int) -> None:
    first = published()[0]
    until = first.effective_from + timedelta(days=days)
    old = first.model_copy(update={"effective_to": until})
    new = first.model_copy(update={"effective_from": until + timedelta(days=1), "edition": "next"})
    on = first.effective_from + timedelta(days=days // 2)
    assert criteria(on, records=(old, new))[first.id] == old
    overlapping: list[CriterionRecord] = [old, first]
    with pytest.raises(ValueError, match="in force together"):
        criteria(until, records=overlapping)
