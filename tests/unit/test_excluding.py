"""Exclusion wins: proposed by one person, approved by another; and the authority that holds the duty still can act."""

from typing import Any

import pytest

from contracts.access import Agreement, Incidents, Party, sees_addresses, visible_fields
from contracts.addresses import address_free, without_addresses
from contracts.agreements import ExclusionApproved, ExclusionBasis, ExclusionEnded, ExclusionProposed
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType, Role
from contracts.directory import Directory
from contracts.incidents import IncidentReferred
from contracts.sealing import marked
from services.gateway.incident import decide
from services.gateway.sight import Viewer, fact_shown
from shared.decider import Refused
from tests.unit.gateway_stories import REASON, Story, event, london, referred

AT = london("2026-03-11")
POLICE, COUNCIL, SOMEBODY = "northbank-police", "northbank-council", "northbank-police-officer"
CONFLICT, ALLEGED = ExclusionBasis.CONFLICT_OF_INTEREST, ExclusionBasis.ALLEGED_PERPETRATOR
ONE, OTHER = "northbank-approver", "northbank-business-unit"


def whom(agency: str = POLICE, person: str | None = None, basis: ExclusionBasis = CONFLICT) -> dict[str, Any]:
    return {"agency": agency, "person": person, "basis": basis}


def shut_out(story: Story, **of: Any) -> None:
    story.propose(ExclusionProposed(**whom(**of), reason=REASON), AT, actor=ONE)
    story.propose(ExclusionApproved(**whom(**of)), AT, actor=OTHER)


def refused(story: Story, data: Any, **by: Any) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as told:
        story.propose(data, AT, **by)
    return {(fault.pointer, fault.rule) for fault in told.value.faults}


def party(agency: str, person: str | None = None, kind: AgencyType = AgencyType.POLICE_FORCE) -> Party:
    return Party(agency, kind, frozenset({"E06000001"}), person)


def agreement(agency: str) -> Agreement:
    return Agreement(
        agency, "northbank", 1, "a basis", AT.date(), may_read=frozenset(CATALOGUE), incidents=frozenset(Incidents)
    )


def sees(story: Story, agency: str = POLICE, person: str | None = None) -> bool:
    return visible_fields(party(agency, person), "deadline.set", agreement(agency), story.now.matter) is not None


def test_nobody_is_shut_out_by_one_person() -> None:
    story = referred(london("2026-03-10"))
    story.propose(ExclusionProposed(**whom(), reason=REASON), AT, actor=ONE)
    assert sees(story)
    assert refused(story, ExclusionApproved(**whom()), actor=ONE) == {("/actor", "same-person")}
    assert refused(story, ExclusionApproved(**whom()), actor=None) == {("/actor", "needs-a-person")}
    story.propose(ExclusionApproved(**whom()), AT, actor=OTHER)
    assert not sees(story)
    assert story.refold() == story.incident


def test_letting_in_again_takes_two_people_as_well() -> None:
    story = referred(london("2026-03-10"))
    shut_out(story)
    assert refused(story, ExclusionEnded(**whom()), actor=ONE) == {("/data/agency", "not-proposed")}
    story.propose(ExclusionProposed(**whom(), lift=True, reason=REASON), AT, actor=OTHER)
    assert not sees(story)
    assert refused(story, ExclusionApproved(**whom()), actor=ONE) == {("/data/agency", "not-proposed")}
    assert refused(story, ExclusionEnded(**whom()), actor=OTHER) == {("/actor", "same-person")}
    story.propose(ExclusionEnded(**whom()), AT, actor=ONE)
    assert sees(story)


def test_only_what_was_proposed_is_approved() -> None:
    story = referred(london("2026-03-10"))
    story.propose(ExclusionProposed(**whom(person=SOMEBODY), reason=REASON), AT, actor=ONE)
    assert refused(story, ExclusionApproved(**whom()), actor=OTHER) == {("/data/agency", "not-proposed")}
    assert refused(story, ExclusionApproved(**whom(person=SOMEBODY, basis=ALLEGED)), actor=OTHER) == {
        ("/data/basis", "differs-from-proposed")
    }


def test_nobody_decides_about_their_own_side() -> None:
    story = referred(london("2026-03-10"))
    story.propose(ExclusionProposed(**whom(), reason=REASON), AT, actor=ONE)
    assert refused(story, ExclusionApproved(**whom()), actor=OTHER, agency=POLICE) == {("/actor", "own-side")}
    story.propose(ExclusionProposed(**whom(COUNCIL, OTHER), reason=REASON), AT, actor=ONE)
    assert refused(story, ExclusionApproved(**whom(COUNCIL, OTHER)), actor=OTHER) == {("/actor", "own-side")}


@pytest.mark.parametrize("awaited", [False, True], ids=["nothing proposed", "proposed"])
def test_whoever_asks_about_their_own_side_is_not_told_whether_it_was_proposed_nor_on_which_basis(
    awaited: bool,
) -> None:
    story, itself = referred(london("2026-03-10")), {"actor": SOMEBODY, "agency": POLICE}
    if awaited:
        for of in (whom(basis=ALLEGED), whom(person=SOMEBODY, basis=ALLEGED)):
            story.propose(ExclusionProposed(**of, reason=REASON), AT, actor=ONE)
    for of in (whom(), whom(person=SOMEBODY)):
        said = (ExclusionProposed(**of, reason=REASON), ExclusionApproved(**of), ExclusionEnded(**of))
        assert [refused(story, each, **itself) for each in said] == [{("/actor", "own-side")}] * 3


def test_of_the_authority_that_holds_the_duty_only_persons_are_shut_out() -> None:
    story = referred(london("2026-03-10"))
    assert refused(story, ExclusionProposed(**whom(COUNCIL), reason=REASON), actor=ONE) == {
        ("/data/person", "holds-the-duty")
    }
    shut_out(story, agency=COUNCIL, person="northbank-notifier", basis=ALLEGED)
    assert not sees(story, COUNCIL, "northbank-notifier")
    assert sees(story, COUNCIL)
    assert sees_addresses(party(COUNCIL), story.now.matter), "it could not act without knowing where the child is"


def test_an_alleged_perpetrators_side_sees_the_incident_and_no_address() -> None:
    story = referred(london("2026-03-10"))
    shut_out(story, person=SOMEBODY, basis=ALLEGED)
    assert not sees(story, POLICE, SOMEBODY)
    assert sees(story)
    assert not sees_addresses(party(POLICE), story.now.matter)
    assert sees_addresses(party("northbank-icb"), story.now.matter)
    story.propose(ExclusionProposed(**whom(person=SOMEBODY, basis=ALLEGED), lift=True, reason=REASON), AT, actor=ONE)
    story.propose(ExclusionEnded(**whom(person=SOMEBODY, basis=ALLEGED)), AT, actor=OTHER)
    assert sees_addresses(party(POLICE), story.now.matter)


def test_an_agency_shut_out_whole_as_an_alleged_perpetrator_is_known_as_that_side_until_it_is_let_in_again() -> None:
    story = referred(london("2026-03-10"))
    shut_out(story, basis=ALLEGED)
    assert not sees_addresses(party(POLICE), story.now.matter)
    story.propose(ExclusionProposed(**whom(basis=ALLEGED), lift=True, reason=REASON), AT, actor=ONE)
    story.propose(ExclusionEnded(**whom(basis=ALLEGED)), AT, actor=OTHER)
    assert sees_addresses(party(POLICE), story.now.matter)
    shut_out(story)
    assert sees_addresses(party(POLICE), story.now.matter), "a conflict of interest is no allegation"


def test_what_could_hold_an_address_is_not_even_named_to_that_side() -> None:
    story = referred(london("2026-03-10"))
    shut_out(story, person=SOMEBODY, basis=ALLEGED)
    known = Directory(agreements={(POLICE, "northbank"): agreement(POLICE)})
    told = fact_shown(Viewer(party(POLICE), frozenset({"northbank"}), known), story.now.matter, story.facts[0])
    assert told is not None
    assert {pointer for pointer, _ in marked(IncidentReferred, told["data"])} == {"/children/0/identity", "/contact"}
    assert "dateFrom" in told["data"]["occurrence"]


def test_an_identity_is_shown_to_that_side_without_its_address() -> None:
    assert address_free({"name": "Child A", "address": "somewhere"}) == {"name": "Child A"}
    assert address_free("words") == "words"


def test_words_within_lists_go_too() -> None:
    data = {"summary": "vault:1", "occurrence": {"location": "vault:2", "dateFrom": "2026-01-01"}, "children": []}
    assert without_addresses(IncidentReferred, data) == {"occurrence": {"dateFrom": "2026-01-01"}, "children": []}


def test_whoever_is_to_be_shut_out_does_not_read_of_it_beforehand() -> None:
    story = referred(london("2026-03-10"))
    (fact,) = story.propose(ExclusionProposed(**whom(COUNCIL, "northbank-notifier"), reason=REASON), AT, actor=ONE)
    known = Directory(agreements={(COUNCIL, "northbank"): agreement(COUNCIL)})

    def reads(person: str) -> bool:
        who = Party(COUNCIL, AgencyType.LOCAL_AUTHORITY, frozenset({"E06000001"}), person, frozenset({Role.APPROVER}))
        return fact_shown(Viewer(who, frozenset({"northbank"}), known), story.now.matter, fact) is not None

    assert reads(ONE)
    assert not reads("northbank-notifier")


def test_an_exclusion_holds_for_every_referral_of_the_incident() -> None:
    story, twin = referred(london("2026-03-10")), referred(london("2026-03-10"))
    story.propose(ExclusionProposed(**whom(), reason=REASON), AT, actor=ONE)
    story.related = {twin.subject: twin.now}
    proposal = event(ExclusionApproved(**whom()), AT, story.subject, actor=OTHER)
    outcomes = decide(story.incident, proposal, story.context(AT))
    assert {outcome.subject or story.subject for outcome in outcomes} == {story.subject, twin.subject}


def test_another_partnership_shuts_nobody_out() -> None:
    story = referred(london("2026-03-10"))
    story.propose(ExclusionProposed(**whom(), reason=REASON), AT, actor=ONE)
    assert refused(story, ExclusionApproved(**whom()), actor=OTHER, partnership="southbank") == {
        ("/partnership", "not-the-partnership")
    }
