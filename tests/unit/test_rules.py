"""The dated rule records: which edition is in force, and what the records must hold (DOMAIN section 1)."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.codes import Nature
from contracts.rules import Direction, NoRuleInForce, Rule, Rules, Severity, Status, Unit, published, rule
from contracts.rules.forms import child_count_policy, forms_needed

TODAY = date(2026, 11, 22)
IDS = {*(f"T{number:02}" for number in range(1, 25)), "T06a", "T06b", "T06c"}

# Written from DOMAIN section 1 by hand: length and unit.
LENGTHS = {
    "T01": (5, "working_days"),
    "T02": (5, "working_days"),
    "T03": (5, "working_days"),
    "T04": (5, "working_days"),
    "T05": (1, "working_days"),
    "T06": (15, "working_days"),
    "T06a": (15, "working_days"),
    "T06b": (15, "working_days"),
    "T06c": (15, "working_days"),
    "T07": (15, "working_days"),
    "T08": (10, "working_days"),
    "T09": (6, "calendar_months"),
    "T10": (7, "working_days"),
    "T11": (12, "calendar_months"),
    "T12": (None, None),
    "T13": (12, "calendar_months"),
    "T14": (12, "calendar_months"),
    "T15": (10, "working_days"),
    "T16": (None, None),
    "T17": (20, "working_days"),
    "T18": (25, "working_days"),
    "T19": (30, "working_days"),
    "T20": (5, "working_days"),
    "T21": (15, "working_days"),
    "T22": (None, None),
    "T23": (None, None),
    "T24": (12, "calendar_months"),
}
# DOMAIN 1.3.
RED = {"T01", "T02", "T03", "T22"}
AMBER = {"T04", "T06", "T06a", "T06b", "T06c", "T09", "T10", "T11", "T13", "T15", "T18", "T19", "T20", "T21"}


def a_rule(**changes: Any) -> Rule:
    return rule("T05", TODAY).model_copy(update=changes)


def test_every_rule_of_the_table_is_a_record_and_there_is_no_other() -> None:
    assert {record.id for record in published().records} == IDS


@pytest.mark.parametrize("rule_id", sorted(IDS))
def test_length_unit_and_severity_are_those_of_the_table(rule_id: str) -> None:
    for record in (record for record in published().records if record.id == rule_id):
        assert (record.length, record.unit) == LENGTHS[rule_id]
        expected = Severity.RED if rule_id in RED else Severity.AMBER if rule_id in AMBER else Severity.GREY
        assert record.severity is expected


def test_only_advance_copies_count_back() -> None:
    assert {record.id for record in published().records if record.direction is Direction.BEFORE} == {"T10"}
    assert rule("T10", TODAY).counted == -7
    assert rule("T01", TODAY).counted == 5


@pytest.mark.parametrize("rule_id", ["T09", "T12"])
def test_what_is_not_counted_in_working_days_says_so(rule_id: str) -> None:
    with pytest.raises(ValueError, match="not counted in working days"):
        _ = rule(rule_id, TODAY).counted


def test_the_edition_in_force_depends_on_the_date() -> None:
    assert rule("T01", date(2020, 5, 1)).edition == "wt-2018"
    assert rule("T01", date(2023, 12, 14)).edition == "wt-2018"
    assert rule("T01", date(2023, 12, 15)).edition == "wt-2023"
    assert rule("T01", TODAY).edition == "wt-2023"


def test_there_was_no_rule_on_care_leavers_before_the_2023_edition() -> None:
    assert rule("T04", date(2023, 12, 15)).counted == 5
    with pytest.raises(NoRuleInForce, match="T04"):
        rule("T04", date(2023, 12, 14))


def test_what_was_not_verified_shows_it() -> None:
    assert rule("T06b", TODAY).status is Status.UNVERIFIED
    assert rule("T11", TODAY).status is Status.UNVERIFIED
    assert rule("T06", TODAY).status is Status.SECOND_HAND
    assert rule("T01", TODAY).status is Status.READ
    assert {record.edition for record in published().records if record.dates_verified} == {"wt-2023"}


def test_complaint_extensions_are_totals() -> None:
    assert (rule("T15", TODAY).extendable_to, rule("T18", TODAY).extendable_to) == (20, 65)


def test_every_record_says_where_it_comes_from_and_when_it_is_reviewed_next() -> None:
    for record in published().records:
        assert len(record.source) > 5, record.id
        assert record.recipients, record.id
        assert record.last_reviewed < record.next_review


def test_a_partnerships_own_record_goes_before_the_published_one_and_only_for_it() -> None:
    own = a_rule(edition="ours-1", length=2, partnership="downland-scp", effective_from=date(2026, 1, 1))
    rules = published().with_records([own])
    assert rules.rule("T05", TODAY, "downland-scp").counted == 2
    assert rules.rule("T05", TODAY, "another-scp").counted == 1
    assert rules.rule("T05", TODAY).counted == 1
    assert rules.rule("T05", date(2025, 12, 31), "downland-scp").counted == 1


@given(
    first=st.dates(date(2020, 1, 1), date(2027, 1, 1)),
    gap=st.integers(min_value=-400, max_value=400),
    length=st.integers(min_value=0, max_value=400),
)
def test_two_editions_may_never_be_in_force_on_one_day(first: date, gap: int, length: int) -> None:
    one = a_rule(edition="one", effective_from=first, effective_to=first + timedelta(days=length))
    start = first + timedelta(days=gap)
    other = a_rule(edition="other", effective_from=start, effective_to=start + timedelta(days=100))
    share_a_day = start <= first + timedelta(days=length) and first <= start + timedelta(days=100)
    if share_a_day:
        with pytest.raises(ValueError, match="in force together"):
            Rules([one, other])
    else:
        assert Rules([one, other]).rule("T05", start).edition == "other"


@pytest.mark.parametrize(
    "changes",
    [
        {"length": 5, "unit": None},
        {"length": None, "unit": Unit.WORKING_DAYS},
        {"length": 0},
        {"effective_to": date(2000, 1, 1)},
        {"next_review": date(2000, 1, 1)},
        {"colour": "blue"},
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    record = rule("T05", TODAY).model_dump()
    with pytest.raises(ValidationError):
        Rule.model_validate(record | changes)


def test_the_older_form_takes_one_child_who_died_and_todays_takes_the_incident() -> None:
    older, current = child_count_policy(date(2020, 5, 1)), child_count_policy(TODAY)
    assert forms_needed(older, Nature.CHILD_DEATH, 3) == 3
    assert forms_needed(older, Nature.SERIOUS_HARM, 3) == 1
    assert forms_needed(current, Nature.CHILD_DEATH, 3) == 1
    assert forms_needed(current, Nature.SERIOUS_HARM, 6) == 1
    assert (current.deaths_together, current.more_in_text) == (4, True)
    assert child_count_policy(date(1999, 1, 1)) == older


def test_which_day_the_form_changed_is_shown_as_not_verified() -> None:
    assert child_count_policy(TODAY).status == "U"
    assert "was not found" in child_count_policy(TODAY).note
