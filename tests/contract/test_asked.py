"""What being asked by a review opens to an agency that otherwise has nothing to do with an incident, and what not."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.access import OPEN_TO_THE_ASKED, Agreement, Matter, Party, may_propose, visible_fields
from contracts.catalogue import CATALOGUE, parse
from contracts.codes import AgencyType, Incidents, Role
from shared.problems import faults_of

HERE, SCHOOL = "northshire", "a-school"
EVERY = frozenset(CATALOGUE)
MATTER = Matter(HERE, frozenset({"police"}), frozenset({"police", "icb"}), frozenset({"E06000991"}))
ASKED = replace(MATTER, asked=frozenset({SCHOOL}))
AGREEMENT = Agreement(
    SCHOOL, HERE, 1, "A legal basis", date(2030, 1, 1), EVERY, EVERY, frozenset({Incidents.OWN, Incidents.PARTICIPANT})
)
SYSTEM = Party(SCHOOL, AgencyType.SCHOOL)
LEAD = replace(SYSTEM, person="lead", roles=frozenset({Role.LEAD}))
PUBLISHED = {"practice-review.published", "practice-review.unpublished"}
OF_ITS_REQUEST = {f"information.{said}" for said in ("requested", "acknowledged", "contributed", "returned", "chased")}
OF_ITS_REQUEST |= {"return.accepted", "return.queried"}


def readable(party: Party, matter: Matter, agreement: Agreement = AGREEMENT) -> set[str]:
    return {name for name in CATALOGUE if visible_fields(party, name, agreement, matter) is not None}


def proposable(party: Party, matter: Matter, agreement: Agreement = AGREEMENT) -> set[str]:
    return {name for name in CATALOGUE if may_propose(party, name, agreement, matter).allowed}


def test_the_asked_may_read_what_is_addressed_to_an_agency_and_what_is_published_and_nothing_else() -> None:
    assert readable(SYSTEM, MATTER) == set()
    assert readable(SYSTEM, ASKED) == OF_ITS_REQUEST | PUBLISHED | {"record.read"}
    assert readable(LEAD, ASKED) == OF_ITS_REQUEST | PUBLISHED
    assert readable(SYSTEM, ASKED) == OPEN_TO_THE_ASKED


def test_the_asked_may_answer_and_say_nothing_else() -> None:
    answers = {"information.acknowledged", "information.contributed", "information.returned"}
    assert proposable(SYSTEM, MATTER) == set()
    assert proposable(SYSTEM, ASKED) == answers
    assert proposable(LEAD, ASKED) == answers
    assert may_propose(SYSTEM, "incident.corrected", AGREEMENT, ASKED).rule == "absent"


@pytest.mark.parametrize("party", [SYSTEM, LEAD])
def test_who_is_shut_out_is_shut_out_though_asked(party: Party) -> None:
    for shut in (replace(ASKED, excluded_agencies=frozenset({SCHOOL})),):
        assert readable(party, shut) | proposable(party, shut) == set()
    person = replace(ASKED, excluded_people=frozenset({"lead"}))
    assert readable(LEAD, person) == set()
    assert readable(SYSTEM, person) == readable(SYSTEM, ASKED)


def test_no_other_partnerships_agreement_is_opened_by_being_asked() -> None:
    assert readable(SYSTEM, ASKED, replace(AGREEMENT, partnership="southmere")) == set()


def test_that_an_agency_is_asked_opens_nothing_to_another_or_before_the_incident_is_known() -> None:
    other = replace(SYSTEM, agency="another-school")
    assert readable(other, ASKED, replace(AGREEMENT, agency="another-school")) == set()
    operator = replace(SYSTEM, person="operator", roles=frozenset({Role.OPERATOR}))
    assert readable(operator, ASKED) == set()


@given(st.sampled_from(sorted(CATALOGUE)), st.sampled_from(list(AgencyType)))
def test_being_asked_takes_nothing_from_whom_the_incident_concerns(name: str, kind: AgencyType) -> None:
    party, agreement = Party("icb", kind), replace(AGREEMENT, agency="icb")
    asked = replace(MATTER, asked=frozenset({"icb"}))
    assert visible_fields(party, name, agreement, asked) == visible_fields(party, name, agreement, MATTER)


@pytest.mark.parametrize("example", ["information.requested.v1", "practice-review.scoped.v1"])
def test_a_period_that_ends_before_it_begins_is_refused_in_words(example: str) -> None:
    value = json.loads((Path("contracts/examples/proposals") / f"{example}.json").read_text())
    value["data"] |= {"scopeFrom": "2026-03-02", "scopeTo": "2026-03-01"}
    with pytest.raises(ValidationError) as refused:
        parse(value)
    assert [fault.detail for fault in faults_of(refused.value)] == ["the period ends before it begins"]
