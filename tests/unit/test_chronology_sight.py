"""Gaps in sight, what returns leave out, and what lies outside the period asked about."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import YesNoNotKnown
from services.rapid_review.chronology.combined import combine
from services.rapid_review.chronology.entries import Entry, Return
from services.rapid_review.chronology.prompts import Missing, prompts
from services.rapid_review.chronology.sight import LONGEST, SHORTEST

FIRST, LAST = date(2026, 1, 1), date(2026, 6, 30)
CHILD, SIBLING = "subject-" + "a" * 32, "subject-" + "b" * 32
YES, NO, NOT_KNOWN = YesNoNotKnown


def _seen(day: date, agency: str = "northshire-council", **more: object) -> Entry:
    entry = Entry(f"{agency}-{day}", agency, day, f"Seen on {day:%j}", subjects=frozenset({CHILD}), child_seen=YES)
    return replace(entry, **more)  # type: ignore[arg-type]


def _return(*entries: Entry, agency: str = "northshire-council", **more: object) -> Return:
    return replace(Return(agency, entries, FIRST, LAST), **more)  # type: ignore[arg-type]


def test_gaps_run_from_the_day_after_a_sighting_to_the_day_before_the_next_across_all_agencies() -> None:
    one = _return(_seen(date(2026, 1, 10)), _seen(date(2026, 4, 1)))
    other = _return(_seen(date(2026, 2, 10), "northshire-police"), agency="northshire-police")
    found = combine([one, other], [CHILD]).gaps
    assert [(gap.first, gap.last, gap.days) for gap in found] == [
        (date(2026, 4, 2), LAST, 90),
        (date(2026, 2, 11), date(2026, 3, 31), 49),
        (date(2026, 1, 11), date(2026, 2, 9), 30),
    ]


def test_a_sight_that_another_agency_denies_closes_no_gap_though_one_of_them_names_no_child() -> None:
    day = date(2026, 3, 2)
    said = _seen(day, "northshire-police", subjects=frozenset())
    denied = _seen(day, child_seen=NO)
    (gap,) = combine([_return(said, agency="northshire-police"), _return(denied)], [CHILD]).gaps
    assert (gap.first, gap.last, gap.disputed) == (FIRST, LAST, (day,))


def test_gaps_end_with_the_day_of_the_incident() -> None:
    (gap,) = combine([_return()], [CHILD], until=date(2026, 3, 1)).gaps
    assert (gap.first, gap.last) == (FIRST, date(2026, 3, 1))


@given(st.sets(st.dates(FIRST, LAST)), st.sampled_from([[CHILD], [CHILD, SIBLING]]))
def test_no_child_is_seen_within_a_gap_and_none_longer_is_left_out(days: set[date], children: list[str]) -> None:
    found = combine([_return(*map(_seen, days))], children).gaps
    for child in children:
        of_child = [gap for gap in found if gap.child == child]
        seen = days if child == CHILD else set()
        assert len(of_child) <= LONGEST
        unseen = {FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)} - seen
        for gap in of_child:
            assert {gap.first + timedelta(n) for n in range(gap.days)} <= unseen
            assert gap.first - timedelta(1) not in unseen
            assert gap.last + timedelta(1) not in unseen
            assert gap.days >= SHORTEST


def test_an_entry_that_names_no_child_counts_for_the_only_one_and_for_none_of_several() -> None:
    answer = _return(_seen(date(2026, 3, 1), subjects=frozenset()))
    assert len(combine([answer], [CHILD]).gaps) == 2
    both = combine([answer], [CHILD, SIBLING])
    assert [gap.days for gap in both.gaps] == [181, 181]
    assert both.unsaid == 1


def test_a_sighting_in_dispute_closes_no_gap_and_is_told_within_it() -> None:
    day = date(2026, 3, 1)
    denied = _return(
        replace(_seen(day, "northshire-police"), child_seen=NO, event=f"Seen on {day:%j}"), agency="northshire-police"
    )
    (gap,) = combine([_return(_seen(day)), denied], [CHILD]).gaps
    assert gap.disputed == (day,)


def test_entries_outside_the_period_asked_about_are_kept_and_flagged() -> None:
    early = _seen(FIRST - timedelta(1))
    kept = [entry for line in combine([_return(early, _seen(FIRST))], [CHILD]).lines for entry in line.entries]
    assert [entry.outside_scope for entry in kept] == [True, False]


@pytest.mark.parametrize(
    ("says", "missing"),
    [
        (None, {Missing.RACE, Missing.FAITH, Missing.DISABILITY}),
        ("Ethnicity was recorded; the family's faith was not asked about.", {Missing.DISABILITY}),
        ("Her heritage, religion and autism shaped the plan.", set()),
        ("They traced the address and asked for more of the same.", {Missing.RACE, Missing.FAITH, Missing.DISABILITY}),
    ],
)
def test_what_a_return_does_not_mention_of_identity_is_prompted(says: str | None, missing: set[Missing]) -> None:
    answer = _return(voice_of_the_child="She said that she was hungry.", identity_considered=says)
    assert {each.missing for each in prompts(answer)} == missing


def test_the_voice_of_the_child_may_stand_in_an_entry_and_a_nil_return_is_asked_nothing() -> None:
    identity = "Race, faith and disability were discussed."
    silent = _return(_seen(FIRST), identity_considered=identity)
    assert [each.missing for each in prompts(silent)] == [Missing.VOICE]
    assert prompts(_return(_seen(FIRST, voice_heard=True), identity_considered=identity)) == ()
    assert prompts(_return(nil=True)) == ()


def test_a_review_without_returns_has_an_empty_chronology() -> None:
    combined = combine([], [CHILD])
    assert (combined.lines, combined.gaps, combined.prompts) == ((), (), ())
