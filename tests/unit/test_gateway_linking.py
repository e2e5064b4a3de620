"""Two referrals of one incident leave one set of clocks, and undoing the link restores what was (4A item 21)."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from contracts.corrections import SubjectsMerged
from contracts.envelope import AnyEvent
from contracts.exclusions import Exclusions
from contracts.identifiers import mint
from contracts.incidents import IncidentLinked
from contracts.sealing import Model
from services.gateway import incident as rules
from services.gateway.sight import references_in
from shared.decider import Refused
from tests.unit.gateway_stories import (
    HOME,
    NOT_KNOWN,
    REASON,
    Story,
    corrected,
    decision,
    event,
    london,
    not_notifiable,
    notifiable,
    only,
    referral,
    referred,
    said,
    submission,
    told,
)

EARLY, LATE = london("2026-03-09"), london("2026-03-10")


def play(at: datetime, data: Model, lead: Story, twin: Story, *others: Story) -> dict[str, list[AnyEvent]]:
    """Proposes on the lead with every other incident at hand; the facts that each stream got."""
    every = {story.subject: story.now for story in (lead, twin, *others)}
    lead.related = twin.related = every
    proposal = event(data, at, lead.subject)
    outcomes = rules.decide(lead.incident, proposal, lead.context(at))
    by_stream = {}
    for story in (lead, twin):
        own = [outcome for outcome in outcomes if (outcome.subject or lead.subject) == story.subject]
        by_stream[story.subject] = story.record(proposal, own, at)
    lead.related = twin.related = {story.subject: story.now for story in (lead, twin, *others)}
    return by_stream


def linked(lead: Story, twin: Story, *, undone: bool = False) -> IncidentLinked:
    return IncidentLinked(lead=lead.subject, twin=twin.subject, reason=REASON, undone=undone)


def test_why_two_are_linked_is_told_with_the_link_alone_to_whoever_is_entitled_to_both() -> None:
    lead, twin = notifiable(LATE), referred(EARLY)
    for undone in (False, True):
        facts = play(london("2026-03-11"), linked(lead, twin, undone=undone), lead, twin)
        every = [fact for own in facts.values() for fact in own]
        telling = [fact.name for fact in every if REASON in references_in([fact.model_dump(mode="json")])]
        assert telling == ["incident.linked", "incident.linked"]
        assert "deadline.recomputed" in {fact.name for fact in every}


def faults_of(at: datetime, data: Model, lead: Story, twin: Story, *others: Story) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        play(at, data, lead, twin, *others)
    return {(fault.pointer, fault.rule) for fault in refused.value.faults}


def test_the_twins_clocks_end_as_linked_and_the_lead_counts_from_the_earlier_awareness() -> None:
    lead, twin = notifiable(LATE), referred(EARLY)
    facts = play(london("2026-03-11"), linked(lead, twin), lead, twin)
    assert said(facts[twin.subject]) == [
        "incident.linked",
        "deadline.cancelled T01",
        "deadline.cancelled T02:northbank-icb",
        "deadline.cancelled T02:northbank-police",
        "deadline.cancelled T05",
    ]
    assert {f.data.because for f in facts[twin.subject][1:]} == {"linked"}
    assert said(facts[lead.subject]) == [
        "incident.linked",
        "deadline.recomputed T01",
        "deadline.recomputed T02:northbank-icb",
        "deadline.recomputed T02:northbank-police",
    ]
    assert lead.due() == date(2026, 3, 16)
    assert twin.now.linked_to == lead.subject
    assert lead.now.twins == {twin.subject}
    assert twin.tick(london("2026-05-01")) == []


def test_a_later_awareness_of_the_twins_changes_nothing() -> None:
    lead, twin = notifiable(EARLY), referred(LATE)
    facts = play(london("2026-03-11"), linked(lead, twin), lead, twin)
    assert said(facts[lead.subject]) == ["incident.linked"]


def test_the_awareness_of_another_authority_than_the_host_does_not_count() -> None:
    lead, twin = notifiable(LATE), referred(EARLY, host_authority=HOME)
    play(london("2026-03-11"), linked(lead, twin), lead, twin)
    assert lead.due() == date(2026, 3, 17)


def test_an_awareness_that_showed_no_abuse_does_not_qualify() -> None:
    lead, twin = notifiable(LATE), referred(EARLY, abuse_or_neglect=NOT_KNOWN)
    play(london("2026-03-11"), linked(lead, twin), lead, twin)
    assert lead.due() == date(2026, 3, 17)


def test_undoing_restores_the_twins_clocks_and_the_leads_own_day_0() -> None:
    lead, twin = notifiable(LATE), referred(EARLY)
    play(london("2026-03-11"), linked(lead, twin), lead, twin)
    facts = play(london("2026-03-17"), linked(lead, twin, undone=True), lead, twin)
    restored = only(facts[twin.subject], "deadline.set")
    assert (restored.provisional, restored.late_as_set, restored.reckoned.due) == (True, True, date(2026, 3, 16))
    assert twin.state("T05") == "open"
    assert twin.now.linked_to is None
    assert lead.due() == date(2026, 3, 17)
    assert lead.now.twins == frozenset()
    assert lead.now.aware_at == LATE
    assert EARLY in [entry.at for entry in lead.now.awareness]


def test_undoing_one_of_two_links_leaves_the_others_awareness() -> None:
    lead, first, second = notifiable(LATE), referred(EARLY), referred(london("2026-03-06"))
    play(london("2026-03-11"), linked(lead, first), lead, first)
    play(london("2026-03-11"), linked(lead, second), lead, second, first)
    assert lead.due() == date(2026, 3, 13)
    play(london("2026-03-12"), linked(lead, second, undone=True), lead, second, first)
    assert lead.due() == date(2026, 3, 16)


def test_a_correction_on_the_lead_goes_no_later_than_a_twins_awareness() -> None:
    lead, twin = notifiable(LATE), referred(EARLY)
    play(london("2026-03-11"), linked(lead, twin), lead, twin)
    lead.propose(corrected(london("2026-03-11")), london("2026-03-11", "12:00"))
    assert lead.due() == date(2026, 3, 16)


def test_what_the_twins_partners_were_told_counts_for_the_lead() -> None:
    lead, twin = notifiable(LATE), referred(LATE)
    twin.propose(told("northbank-icb", london("2026-03-11")), london("2026-03-11"))
    play(london("2026-03-11", "12:00"), linked(lead, twin), lead, twin)
    assert lead.state("T02:northbank-icb") == "met_in_time"


def test_a_twins_submission_that_crossed_the_link_counts_for_the_lead() -> None:
    lead, twin = notifiable(LATE), notifiable(LATE)
    play(london("2026-03-11"), linked(lead, twin), lead, twin)
    fact = event(
        submission(london("2026-03-11")), LATE, twin.subject, source="/services/notifications", streamversion=1
    )
    outcomes = rules.on_notification(twin.now, fact, twin.context(london("2026-03-11", "10:01")))
    assert {outcome.subject for outcome in outcomes} == {lead.subject}
    lead.record(fact, outcomes, london("2026-03-11", "10:01"))
    assert lead.state() == "met_in_time"
    assert twin.state() == "cancelled"


def test_what_cannot_be_linked_is_refused_with_every_reason() -> None:
    lead, twin, third = notifiable(LATE), referred(EARLY), referred(EARLY)
    at = london("2026-03-11")
    own = IncidentLinked(lead=lead.subject, twin=lead.subject, reason=REASON)
    assert faults_of(at, own, lead, twin) == {("/data/twin", "itself")}
    assert faults_of(at, linked(lead, twin, undone=True), lead, twin) == {("/data/undone", "not-linked")}
    nobody = IncidentLinked(lead=lead.subject, twin="incident-" + "0" * 32, reason=REASON)
    assert faults_of(at, nobody, lead, twin) == {("/data/twin", "not-found")}
    play(at, linked(lead, twin), lead, twin)
    assert faults_of(at, linked(twin, lead), twin, lead) == {
        ("/data/lead", "linked-already"),
        ("/data/twin", "leads-others"),
    }
    assert faults_of(at, linked(third, twin), third, twin) == {("/data/twin", "linked-already")}
    assert faults_of(at, linked(third, lead), third, lead) == {("/data/twin", "leads-others")}


def test_referrals_of_two_partnerships_are_not_linked() -> None:
    lead, twin = notifiable(LATE), Story()
    twin.propose(referral(), EARLY, partnership="southbank")
    assert faults_of(london("2026-03-11"), linked(lead, twin), lead, twin) == {("/data/twin", "another-partnership")}


def test_a_submitted_referral_is_not_made_a_twin() -> None:
    lead, twin = referred(LATE), notifiable(LATE)
    twin.hear(submission(london("2026-03-11")), london("2026-03-11"))
    assert faults_of(london("2026-03-11"), linked(lead, twin), lead, twin) == {("/data/twin", "submitted-already")}


def test_running_clocks_do_not_vanish_into_a_lead_that_is_not_notifiable() -> None:
    lead, twin = referred(LATE), notifiable(LATE)
    lead.propose(not_notifiable(LATE), london("2026-03-11"))
    assert faults_of(london("2026-03-11"), linked(lead, twin), lead, twin) == {("/data/lead", "not-notifiable")}


def test_a_linked_referral_is_decided_on_its_lead() -> None:
    lead, twin = notifiable(LATE), referred(EARLY)
    play(london("2026-03-11"), linked(lead, twin), lead, twin)
    for data in (decision(EARLY), corrected(london("2026-03-08")), told("northbank-icb", LATE)):
        with pytest.raises(Refused) as refused:
            twin.propose(data, london("2026-03-11"))
        assert "linked" in {fault.rule for fault in refused.value.faults}


@pytest.mark.parametrize("partnership", ["northbank", "southbank"])
def test_an_incident_that_the_proposer_may_not_see_is_not_there_and_keeps_its_clocks(partnership: str) -> None:
    lead, others = notifiable(LATE), Story()
    others.propose(
        referral(host_authority=HOME), EARLY, agency="southbank-council", actor=None, partnership=partnership
    )
    assert faults_of(london("2026-03-11"), linked(lead, others), lead, others) == {("/data/twin", "not-found")}
    assert others.state() == "provisional"


@pytest.mark.parametrize("person", [None, "northbank-approver"], ids=["the agency", "the person"])
def test_an_incident_that_the_proposer_is_shut_out_of_is_not_there_and_keeps_its_clocks(person: str | None) -> None:
    lead, closed = notifiable(LATE), referred(EARLY)
    shut_out = Exclusions(frozenset() if person else frozenset({"northbank-council"}), frozenset({str(person)}))
    closed.incident = replace(closed.now, exclusions=shut_out)
    at = london("2026-03-11")
    assert faults_of(at, linked(lead, closed), lead, closed) == {("/data/twin", "not-found")}
    assert faults_of(at, linked(closed, lead), lead, closed) == {("/data/lead", "not-found")}
    subjects = mint("subject"), mint("subject")
    merged = SubjectsMerged(subjects=subjects, incidents=(lead.subject, closed.subject), reason=REASON)
    assert ("/data/incidents/1", "not-found") in faults_of(at, merged, lead, closed)
    assert closed.state() == "provisional"
