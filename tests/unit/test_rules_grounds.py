"""The truth table of DOMAIN 1.1, each row written from the document by hand, and 4A items 19 and 20."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import AbuseOrNeglect, Ground, Nature
from contracts.rules.grounds import (
    Circumstances,
    Consequences,
    LocalReview,
    Notifier,
    Recipient,
    Where,
    consequences,
    together,
)

DEATH, HARM, OTHER = Nature.CHILD_DEATH, Nature.SERIOUS_HARM, Nature.OTHER
KNOWN, SUSPECTED, NOT = AbuseOrNeglect.KNOWN, AbuseOrNeglect.SUSPECTED, AbuseOrNeglect.NOT_KNOWN_OR_SUSPECTED
A, B, LAC, LEAVER = Ground.S16C_A, Ground.S16C_B, Ground.LAC_DEATH, Ground.CARE_LEAVER_DEATH
PANEL, DEPARTMENT, OFSTED = Recipient.PANEL, Recipient.DEPARTMENT, Recipient.OFSTED
PARTNERS, OTHER_AREAS = Recipient.PARTNERS, Recipient.OTHER_AREAS
EVERYBODY = {PANEL, DEPARTMENT, OFSTED, PARTNERS}
POSSIBLE, OPTIONAL, NO_REVIEW = LocalReview.POSSIBLE, LocalReview.OPTIONAL, LocalReview.NO
THIS, HOST, NOBODY = Notifier.THIS_AUTHORITY, Notifier.HOST_AUTHORITY, Notifier.NOBODY

# row: case, grounds, clocks, recipients, notified by, panel considers, rapid review, local review
ROWS = {
    "death, abuse suspected, in area": (
        Circumstances(DEATH, SUSPECTED, age=3), {A}, {"T01", "T02"}, EVERYBODY, THIS, True, True, POSSIBLE,
    ),
    "serious harm, abuse known, in area": (
        Circumstances(HARM, KNOWN, age=9), {A}, {"T01", "T02"}, EVERYBODY, THIS, True, True, POSSIBLE,
    ),
    "death outside England, normally resident here": (
        Circumstances(DEATH, KNOWN, Where.OUTSIDE_ENGLAND, age=9),
        {B}, {"T01", "T02"}, EVERYBODY, THIS, True, True, POSSIBLE,
    ),
    "serious harm outside England, normally resident here": (
        Circumstances(HARM, SUSPECTED, Where.OUTSIDE_ENGLAND, age=9),
        {B}, {"T01", "T02"}, EVERYBODY, THIS, True, True, POSSIBLE,
    ),
    "in another authority's area": (
        Circumstances(DEATH, SUSPECTED, Where.OTHER_AREA, age=9),
        {A}, {"T01", "T02"}, EVERYBODY | {OTHER_AREAS}, HOST, True, True, POSSIBLE,
    ),
    "looked-after child dies, abuse not suspected": (
        Circumstances(DEATH, NOT, looked_after=True, age=15),
        {LAC}, {"T02", "T03"}, {DEPARTMENT, OFSTED, PARTNERS}, THIS, False, False, OPTIONAL,
    ),
    "looked-after child killed by abuse": (
        Circumstances(DEATH, KNOWN, looked_after=True, age=15),
        {A, LAC}, {"T01", "T02", "T03"}, EVERYBODY, THIS, True, True, POSSIBLE,
    ),
    "care leaver of 18 dies": (
        Circumstances(DEATH, NOT, care_leaver=True, age=18),
        {LEAVER}, {"T04"}, {DEPARTMENT, OFSTED}, THIS, False, False, OPTIONAL,
    ),
    "care leaver of 24 dies, abuse known": (
        Circumstances(DEATH, KNOWN, care_leaver=True, age=24),
        {LEAVER}, {"T04"}, {DEPARTMENT, OFSTED}, THIS, False, False, OPTIONAL,
    ),
    "care leaver of 25 dies": (
        Circumstances(DEATH, NOT, care_leaver=True, age=25), set(), set(), set(), NOBODY, False, False, NO_REVIEW,
    ),
    "care leaver of 17 dies, criteria met": (
        Circumstances(DEATH, SUSPECTED, care_leaver=True, age=17),
        {A, LEAVER}, {"T01", "T02", "T04"}, EVERYBODY, THIS, True, True, POSSIBLE,
    ),
    "care leaver of 17 dies, criteria not met": (
        Circumstances(DEATH, NOT, care_leaver=True, age=17),
        {LEAVER}, {"T04"}, {DEPARTMENT, OFSTED, PARTNERS}, THIS, False, False, POSSIBLE,
    ),
    "looked-after child seriously harmed, abuse not suspected": (
        Circumstances(HARM, NOT, looked_after=True, age=15), set(), set(), set(), NOBODY, False, False, OPTIONAL,
    ),
    "suspected suicide or unexplained death, family recently known": (
        Circumstances(DEATH, NOT, age=15, suspected_suicide_or_unexplained=True, recently_known_family=True),
        set(), set(), {PARTNERS}, NOBODY, False, False, POSSIBLE,
    ),
    "suspected suicide, notified as suspected neglect": (
        Circumstances(DEATH, SUSPECTED, age=15, suspected_suicide_or_unexplained=True, recently_known_family=True),
        {A}, {"T01", "T02"}, EVERYBODY, THIS, True, True, POSSIBLE,
    ),
    "child perpetrator who is suspected to have been abused": (
        Circumstances(OTHER, SUSPECTED, age=16), {A}, {"T01", "T02"}, EVERYBODY, THIS, True, True, POSSIBLE,
    ),
    "near miss": (
        Circumstances(HARM, SUSPECTED, age=4, near_miss=True),
        set(), set(), {PARTNERS}, NOBODY, False, False, POSSIBLE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_rows_of_the_truth_table_come_out_as_written(row: tuple[object, ...]) -> None:
    case, grounds, clocks, recipients, notified_by, considers, rapid_review, local_review = row
    assert isinstance(case, Circumstances)
    found = consequences(case)
    assert found.grounds == grounds
    assert found.clocks == clocks
    assert found.recipients == recipients
    assert found.notified_by is notified_by
    assert found.panel_considers is considers
    assert found.rapid_review is rapid_review
    assert found.local_review is local_review


def test_only_the_suicide_row_is_for_the_partners_to_consider() -> None:
    considered = {name for name, row in ROWS.items() if consequences(row[0]).consider}
    assert considered == {"suspected suicide or unexplained death, family recently known"}


def test_an_unborn_child_counts_as_a_child() -> None:
    assert consequences(Circumstances(DEATH, SUSPECTED, age=None)).rapid_review


def test_an_adult_is_no_child_of_section_16c() -> None:
    assert consequences(Circumstances(HARM, KNOWN, age=18)) == Consequences()


def test_outside_england_and_not_normally_resident_here_no_english_duty_is_found() -> None:
    assert consequences(Circumstances(DEATH, KNOWN, Where.OUTSIDE_ENGLAND, False, age=5)).grounds == frozenset()


def test_a_child_placed_here_by_another_area_has_that_area_told_too() -> None:
    assert OTHER_AREAS in consequences(Circumstances(DEATH, KNOWN, age=5, other_areas=True)).recipients
    assert OTHER_AREAS not in consequences(Circumstances(DEATH, KNOWN, age=5)).recipients


def test_a_death_without_suspicion_of_a_child_not_in_care_is_not_notifiable() -> None:
    assert consequences(Circumstances(DEATH, NOT, age=5)) == Consequences()


def test_one_notification_holds_what_each_of_several_children_calls_for() -> None:
    looked_after = consequences(Circumstances(DEATH, NOT, looked_after=True, age=15))
    sibling = consequences(Circumstances(HARM, KNOWN, age=4))
    both = together([looked_after, sibling])
    assert both.grounds == {A, LAC}
    assert both.clocks == {"T01", "T02", "T03"}
    assert both.recipients == EVERYBODY
    assert both.rapid_review
    assert together([]) == Consequences()


CASES = st.builds(
    Circumstances,
    nature=st.sampled_from(Nature),
    abuse_or_neglect=st.sampled_from(AbuseOrNeglect),
    where=st.sampled_from(Where),
    normally_resident=st.booleans(),
    looked_after=st.booleans(),
    care_leaver=st.booleans(),
    age=st.none() | st.integers(min_value=0, max_value=30),
    suspected_suicide_or_unexplained=st.booleans(),
    recently_known_family=st.booleans(),
    other_areas=st.booleans(),
    near_miss=st.booleans(),
)


@given(CASES)
def test_a_rapid_review_follows_exactly_where_the_panel_is_told(case: Circumstances) -> None:
    found = consequences(case)
    assert found.rapid_review == found.panel_considers == (PANEL in found.recipients) == ("T01" in found.clocks)
    assert found.rapid_review == bool(found.grounds & {A, B})
    assert not {A, B} <= found.grounds


@given(CASES)
def test_whoever_must_be_told_is_told_by_somebody_against_a_clock(case: Circumstances) -> None:
    found = consequences(case)
    assert bool(found.grounds) == bool(found.clocks) == (found.notified_by is not NOBODY)
    assert found.grounds <= {A, B, LAC, LEAVER}
    assert not found.grounds or {DEPARTMENT, OFSTED} <= found.recipients


@given(CASES)
def test_suspicion_never_takes_a_ground_away(case: Circumstances) -> None:
    without = consequences(replace(case, abuse_or_neglect=NOT))
    suspected = consequences(replace(case, abuse_or_neglect=SUSPECTED))
    assert without.grounds <= suspected.grounds
    assert suspected == consequences(replace(case, abuse_or_neglect=KNOWN))


@given(st.lists(CASES, min_size=1, max_size=4))
def test_children_together_call_for_no_less_than_each_alone(cases: list[Circumstances]) -> None:
    every = [consequences(case) for case in cases]
    both = together(every)
    for one in every:
        assert one.grounds <= both.grounds
        assert one.clocks <= both.clocks
        assert one.recipients <= both.recipients
    assert both.rapid_review == any(one.rapid_review for one in every)
