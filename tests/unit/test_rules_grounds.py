"""The truth table of DOMAIN 1.1, each row written from the document by hand, and 4A items 19 and 20.

Each row goes through what the services run: the gateway's grounds and clocks from a referral, and what notifications
states when it is submitted on those grounds.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import AbuseOrNeglect, Ground, Nature
from contracts.incidents import Child, IncidentReferred
from contracts.notifications import NotificationContent, NotificationSubmitted
from contracts.rules import rule
from contracts.rules.grounds import Circumstances, clocks_of, grounds_of, recipients_of, review_follows
from contracts.sealing import Model
from services.notifications.case import Case, evolve
from tests.notifications import CASE, INCIDENT, happened, proposed
from tests.unit.gateway_stories import HOME, HOST, REASON, Story, decision, event, london, not_notifiable, referral

DEATH, HARM, OTHER = Nature.CHILD_DEATH, Nature.SERIOUS_HARM, Nature.OTHER
KNOWN, SUSPECTED, NOT = AbuseOrNeglect.KNOWN, AbuseOrNeglect.SUSPECTED, AbuseOrNeglect.NOT_KNOWN_OR_SUSPECTED
A, B, LAC, LEAVER = Ground.S16C_A, Ground.S16C_B, Ground.LAC_DEATH, Ground.CARE_LEAVER_DEATH
NATIONAL = ("department", "ofsted")
EVERYBODY = ("panel", *NATIONAL, "partners")
ABROAD = {"in_authority_area": False, "outside_england": True, "normally_resident": True}
AT = london("2026-03-02")


@dataclass(frozen=True)
class Row:
    """A case as it is referred, and what the document says of it."""

    nature: Nature
    abuse: AbuseOrNeglect
    age: int | None
    grounds: set[Ground]
    clocks: set[str]
    told: tuple[str, ...]
    review: bool = False
    looked_after: bool = False
    care_leaver: bool = False
    home: str | None = None
    abroad: bool = False

    @property
    def referral(self) -> IncidentReferred:
        child = {"looked_after": self.looked_after, "care_leaver": self.care_leaver, "is_unborn": self.age is None}
        return referral(
            nature=self.nature,
            abuse_or_neglect=self.abuse,
            age=self.age,
            child=child,
            home_authority=self.home,
            occurrence=ABROAD if self.abroad else {},
        )


ROWS = {
    "death, abuse suspected, in area": Row(DEATH, SUSPECTED, 3, {A}, {"T01", "T02"}, EVERYBODY, True),
    "serious harm, abuse known, in area": Row(HARM, KNOWN, 9, {A}, {"T01", "T02"}, EVERYBODY, True),
    "death abroad, normally resident here": Row(
        DEATH, KNOWN, 9, {B}, {"T01", "T02"}, EVERYBODY, True, abroad=True
    ),
    "serious harm abroad, normally resident here": Row(
        HARM, SUSPECTED, 9, {B}, {"T01", "T02"}, EVERYBODY, True, abroad=True
    ),
    "a child of another area": Row(
        DEATH, SUSPECTED, 9, {A}, {"T01", "T02"}, (*EVERYBODY, HOME), True, home=HOME
    ),
    "unborn child": Row(HARM, SUSPECTED, None, {A}, {"T01", "T02"}, EVERYBODY, True),
    "looked-after child dies, abuse not suspected": Row(
        DEATH, NOT, 15, {LAC}, {"T02", "T03"}, (*NATIONAL, "partners"), looked_after=True
    ),
    "looked-after child killed by abuse": Row(
        DEATH, KNOWN, 15, {A, LAC}, {"T01", "T02", "T03"}, EVERYBODY, True, looked_after=True
    ),
    "care leaver of 18 dies": Row(DEATH, NOT, 18, {LEAVER}, {"T04"}, NATIONAL, care_leaver=True),
    "care leaver of 24 dies, abuse known": Row(DEATH, KNOWN, 24, {LEAVER}, {"T04"}, NATIONAL, care_leaver=True),
    "care leaver of 17 dies, criteria met": Row(
        DEATH, SUSPECTED, 17, {A, LEAVER}, {"T01", "T02", "T04"}, EVERYBODY, True, care_leaver=True
    ),
    "care leaver of 17 dies, criteria not met": Row(
        DEATH, NOT, 17, {LEAVER}, {"T04"}, (*NATIONAL, "partners"), care_leaver=True
    ),
    "care leaver of 17 of another area, criteria not met": Row(
        DEATH, NOT, 17, {LEAVER}, {"T04"}, (*NATIONAL, "partners", HOME), care_leaver=True, home=HOME
    ),
    "looked-after child seriously harmed, abuse not suspected": Row(HARM, NOT, 15, set(), set(), (), looked_after=True),
    "death of a child not in care, nothing suspected": Row(DEATH, NOT, 5, set(), set(), ()),
    "child perpetrator who is suspected to have been abused": Row(
        OTHER, SUSPECTED, 16, {A}, {"T01", "T02"}, EVERYBODY, True
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_the_gateway_finds_the_rows_grounds_and_runs_its_clocks(row: Row) -> None:
    story = Story()
    story.propose(row.referral, AT)
    assert story.now.apparent_grounds == row.grounds
    if row.grounds:
        story.propose(decision(AT, *row.grounds), AT)
    else:
        story.propose(not_notifiable(AT), AT)
    running = {deadline.rule.id for deadline in story.now.clocks.values() if deadline.state.value == "open"}
    assert running == row.clocks


@pytest.mark.parametrize("drafted", [True, False], ids=["drafted", "never drafted"])
@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.grounds], ids=[n for n in ROWS if ROWS[n].grounds])
def test_notifications_states_the_rows_recipients_and_whether_a_review_follows(row: Row, drafted: bool) -> None:
    """With a draft its own content counts; a submission that nobody drafted follows the referral."""
    case = known(row.referral, decision(AT, *row.grounds))
    draft = proposed("notification.drafted.v1", content=content(row, case))
    first, *others = happened(*([draft] if drafted else []), proposed("notification.submitted.v1"), case=case)[drafted:]
    submitted = first.data
    assert isinstance(submitted, NotificationSubmitted)
    assert submitted.grounds == row.grounds
    assert submitted.recipients == row.told
    assert [fact.name for fact in others] == ([] if row.review else ["notification.closed"])


def known(*told: Model) -> Case:
    """What notifications knows of the incident from these facts of the gateway."""
    case = replace(Case(INCIDENT), partnership=CASE.partnership)
    for data in told:
        case = evolve(case, event(data, AT, INCIDENT, source="/services/gateway"))
    return case


def content(row: Row, case: Case) -> dict[str, Any]:
    referred = row.referral
    written = NotificationContent(
        notifying_authority=HOST,
        notifier=REASON,
        became_aware_at=AT,
        awareness_source="police",
        occurrence=referred.occurrence,
        nature=row.nature,
        abuse_or_neglect=row.abuse,
        grounds=frozenset(row.grounds),
        children=referred.children,
    )
    return written.model_dump(mode="json")


# --- the rows that a person decides at triage: no field of a referral tells them ---


def test_a_suspected_suicide_without_suspected_abuse_is_notified_if_a_person_finds_it_serious() -> None:
    """Row 9: T01 runs from the referral, so that somebody has to decide; the decision needs its reasons."""
    story = Story()
    story.refer(AT, nature=DEATH, abuse_or_neglect=NOT, age=15, suspected_suicide=True)
    assert story.now.apparent_grounds == set()
    assert story.state("T01") == "provisional"
    story.propose(decision(AT, A, reasons=REASON), AT)
    assert story.state("T01") == "open"


def test_a_near_miss_is_decided_not_notifiable_and_no_clock_of_a_duty_is_left() -> None:
    story = Story()
    story.refer(AT, nature=HARM, abuse_or_neglect=SUSPECTED)
    assert story.state("T01") == "provisional"
    story.propose(not_notifiable(AT), AT)
    assert {key: story.state(key) for key in story.now.clocks if key != "T05"} == {
        "T01": "cancelled", "T02:northbank-icb": "cancelled", "T02:northbank-police": "cancelled",
    }  # fmt: skip


# --- what holds of every case ---


@pytest.mark.parametrize("ground", Ground)
def test_whom_the_rules_of_a_ground_name_is_whom_the_table_names(ground: Ground) -> None:
    """Of a care leaver's death the rule is that of an adult; that of one under 18 adds partners, without a clock."""
    grounds = frozenset({ground})
    named = {who for rule_id in clocks_of(grounds) for who in rule(rule_id, date(2026, 3, 2), None).recipients}
    assert named - {"other_areas"} == set(recipients_of(grounds, child=ground is not LEAVER))


CASES = st.builds(
    Circumstances,
    nature=st.sampled_from(Nature),
    abuse_or_neglect=st.sampled_from(AbuseOrNeglect),
    outside_england=st.booleans(),
    normally_resident=st.booleans(),
    looked_after=st.booleans(),
    care_leaver=st.booleans(),
    age=st.none() | st.integers(min_value=0, max_value=30),
)


def test_an_adult_is_no_child_of_section_16c_and_a_care_leaver_of_25_is_none() -> None:
    assert grounds_of(Circumstances(HARM, KNOWN, age=18)) == set()
    assert grounds_of(Circumstances(DEATH, NOT, care_leaver=True, age=25)) == set()


def test_outside_england_and_not_normally_resident_here_no_english_duty_is_found() -> None:
    assert grounds_of(Circumstances(DEATH, KNOWN, True, False, age=5)) == set()


def test_one_notification_holds_what_each_of_several_children_calls_for() -> None:
    looked_after = Child(identity=REASON, age_at_incident=15, looked_after=True)
    story = Story()
    sibling = Child(identity=REASON, age_at_incident=4)
    story.refer(AT, nature=DEATH, children=(looked_after, sibling))
    assert story.now.apparent_grounds == {A, LAC}


@given(CASES, st.booleans())
def test_a_rapid_review_follows_exactly_where_the_panel_is_told(case: Circumstances, child: bool) -> None:
    grounds = grounds_of(case)
    follows = review_follows(grounds)
    assert follows == ("panel" in recipients_of(grounds, child=child)) == ("T01" in clocks_of(grounds))
    assert not {A, B} <= grounds


@given(CASES, st.booleans())
def test_whoever_must_be_told_is_told_against_a_clock(case: Circumstances, child: bool) -> None:
    grounds = grounds_of(case)
    assert bool(grounds) == bool(clocks_of(grounds)) == bool(recipients_of(grounds, child=child))
    assert not grounds or set(NATIONAL) <= set(recipients_of(grounds, child=child))


@given(CASES)
def test_suspicion_never_takes_a_ground_away(case: Circumstances) -> None:
    without, suspected, abused = (grounds_of(replace(case, abuse_or_neglect=each)) for each in (NOT, SUSPECTED, KNOWN))
    assert without <= suspected == abused
