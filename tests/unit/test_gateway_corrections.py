"""What was said wrongly is corrected, recalled, merged and split by further facts; clocks and access follow."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from contracts import matters
from contracts.access import Matter
from contracts.codes import AbuseOrNeglect, Nature
from contracts.corrections import IncidentCorrected, IncidentRecalled, SubjectsMerged, SubjectsSplit
from contracts.envelope import AnyEvent
from contracts.identifiers import mint, mint_reference
from contracts.incidents import Child, Occurrence
from contracts.sealing import Model
from services.gateway import incident as rules
from services.gateway.incident.correcting import GROUNDS_DIFFER
from services.gateway.views import INCIDENT
from services.notifications.case import Case
from services.notifications.case import evolve as notified
from shared.decider import Outcome, Refused
from tests.unit.gateway_stories import HOME, HOST, NOT_KNOWN, REASON, Story, event, london, notifiable, referred

AT, LATER = london("2026-03-10"), london("2026-03-11")
COUNCIL, OTHER_COUNCIL = "northbank-council", "southbank-council"


def correction(cleared: tuple[str, ...] = (), **fields: Any) -> IncidentCorrected:
    named = [IncidentCorrected.model_fields[name].alias or name for name in fields]
    reasons = [{"field": name, "reason": REASON} for name in (*named, *cleared)]
    return IncidentCorrected.model_validate({**fields, "cleared": cleared, "reasons": reasons})


def propose(story: Story, data: Model, agency: str = COUNCIL) -> tuple[list[Outcome], list[AnyEvent]]:
    proposal = event(data, LATER, story.subject).model_copy(update={"agency": agency})
    stated = frozenset(fact.id for fact in story.facts if not fact.name.startswith("deadline."))
    outcomes = rules.decide(story.incident, proposal, replace(story.context(LATER), stated=stated))
    return outcomes, story.record(proposal, outcomes, LATER)


def faults(story: Story, data: Model, agency: str = COUNCIL) -> set[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        propose(story, data, agency)
    return {(fault.pointer, fault.rule) for fault in refused.value.faults}


def running(story: Story) -> set[str]:
    return {deadline.key for deadline in story.now.running}


def told_by_the_facts(story: Story) -> Matter:
    matter = None
    for fact in story.facts:
        matter = matters.evolve(matter, fact)
    assert matter is not None
    return matter


def test_a_corrected_field_starts_the_clocks_that_it_calls_for_from_the_same_awareness() -> None:
    story = referred(AT, abuse_or_neglect=NOT_KNOWN)
    assert "T02:northbank-icb" not in running(story)
    outcomes, _ = propose(story, correction(abuse_or_neglect=AbuseOrNeglect.SUSPECTED))
    assert {"T01", "T02:northbank-icb", "T02:northbank-police", "T05"} <= running(story)
    assert story.now.clocks["T02:northbank-icb"].started_at == AT
    assert story.now.clocks["T02:northbank-icb"].provisional
    assert not outcomes[0].marks


def test_a_corrected_field_ends_the_clocks_that_nothing_calls_for_any_more_but_never_t01() -> None:
    story = referred(AT)
    propose(story, correction(abuse_or_neglect=NOT_KNOWN))
    assert running(story) == {"T01", "T05"}
    assert story.now.clocks["T02:northbank-icb"].cancelled_because == "not_needed"


def test_after_triage_the_grounds_decided_stand_and_the_correction_says_that_others_are_called_for() -> None:
    story = notifiable(AT)
    before = running(story)
    outcomes, _ = propose(story, correction(abuse_or_neglect=NOT_KNOWN))
    assert outcomes[0].marks == (GROUNDS_DIFFER,)
    assert running(story) == before


def test_an_area_named_by_mistake_leaves_and_both_folds_of_the_incident_agree() -> None:
    story = notifiable(AT, home_authority=HOME)
    assert OTHER_COUNCIL in story.now.matter.participants
    assert HOME in story.now.matter.areas
    _, facts = propose(story, correction(cleared=("homeAuthority",)))
    data = facts[0].data
    assert (data.areas, data.leaving) == ((HOST,), (OTHER_COUNCIL,))
    assert f"T02:{OTHER_COUNCIL}" not in running(story)
    assert OTHER_COUNCIL not in story.now.matter.participants
    assert told_by_the_facts(story) == story.now.matter
    propose(story, correction(home_authority=HOME))
    assert f"T02:{OTHER_COUNCIL}" in running(story)
    assert OTHER_COUNCIL in story.now.matter.participants
    assert told_by_the_facts(story) == story.now.matter


def test_corrected_children_replace_the_first_and_need_an_age() -> None:
    story = referred(AT)
    occurrence = Occurrence(date_from=date(2019, 1, 1), location=mint_reference())
    old = Child(identity=mint_reference(), age_at_incident=19)
    nobody = Child(identity=mint_reference())
    wrong = correction(children=(old, nobody), occurrence=occurrence)
    assert faults(story, wrong) == {
        ("/data/children/0/ageAtIncident", "too-old"),
        ("/data/children/1/ageAtIncident", "missing"),
    }
    child = mint("subject")
    right = Child(subject=child, identity=mint_reference(), age_at_incident=4, looked_after=True)
    propose(story, correction(children=(right,), occurrence=occurrence))
    assert story.now.subjects == (child,)
    assert story.now.children[0].looked_after


def test_a_day_that_has_not_come_and_one_after_awareness_are_refused() -> None:
    story = referred(AT)
    place = mint_reference()
    tomorrow = correction(occurrence=Occurrence(date_from=date(2026, 3, 12), location=place))
    assert ("/data/occurrence/dateFrom", "in-the-future") in faults(story, tomorrow)
    too_late = correction(occurrence=Occurrence(date_from=date(2026, 3, 11), location=place))
    assert faults(story, too_late) == {("/data/occurrence/dateFrom", "aware-before-incident")}


def test_another_authority_than_that_of_the_place_corrects_recalls_and_merges_nothing() -> None:
    story = notifiable(AT, home_authority=HOME)
    event_id = story.facts[0].id
    recall = IncidentRecalled(event=event_id, because="wrong_child", reason=REASON)
    for data in (correction(nature=Nature.CHILD_DEATH), recall):
        assert ("/agency", "not-the-host") in faults(story, data, OTHER_COUNCIL)


@pytest.mark.parametrize(
    "data",
    [
        {"nature": "child_death", "reasons": [{"field": "harm", "reason": "x"}]},
        {"nature": "child_death", "reasons": []},
        {"nature": "child_death", "reasons": [{"field": "nature", "reason": "x"}, {"field": "nature", "reason": "y"}]},
        {
            "homeAuthority": HOME,
            "cleared": ["homeAuthority"],
            "reasons": [{"field": "homeAuthority", "reason": "x"}],
        },
        {"hostAuthority": HOST, "reasons": [{"field": "hostAuthority", "reason": "x"}]},
        {
            "children": [{"identity": {"name": "Child A"}, "ageAtIncident": 3}],
            "reasons": [{"field": "children", "reason": "x"}],
        },
        {"cleared": ["summary"], "reasons": [{"field": "summary", "reason": "x"}]},
    ],
    ids=["another field's", "none", "twice", "both", "host", "children alone", "needed"],
)
def test_a_correction_gives_one_reason_for_each_field_and_touches_no_other(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IncidentCorrected.model_validate(data)


def test_a_recall_names_an_event_of_this_incident_and_is_said_once() -> None:
    story = referred(AT)
    first = story.facts[0].id
    recall = IncidentRecalled(event=first, because="wrong_child", reason=REASON)
    assert faults(story, recall.model_copy(update={"event": "elsewhere"})) == {("/data/event", "not-of-this-incident")}
    clock = next(fact.id for fact in story.facts if fact.name == "deadline.set")
    assert faults(story, recall.model_copy(update={"event": clock})) == {("/data/event", "not-of-this-incident")}
    propose(story, recall)
    assert story.now.recalled[first].because == "wrong_child"
    assert faults(story, recall) == {("/data/event", "recalled-already")}
    assert {"T01", "T05"} <= running(story)


def test_further_wrong_recipients_join_the_first_and_the_host_is_never_one() -> None:
    story = referred(AT)
    first = story.facts[0].id

    def recall(*recipients: str) -> IncidentRecalled:
        return IncidentRecalled(event=first, because="wrong_recipient", recipients=recipients, reason=REASON)

    propose(story, recall("school-a"))
    propose(story, recall("school-b"))
    assert story.now.recalled[first].recipients == {"school-a", "school-b"}
    assert faults(story, recall("school-a")) == {("/data/event", "recalled-already")}
    assert faults(story, recall(COUNCIL)) == {("/data/recipients", "holds-the-duty")}
    propose(story, IncidentRecalled(event=first, because="sent_in_error", reason=REASON))
    assert story.now.recalled[first].recipients == frozenset()
    assert faults(story, recall("school-c")) == {("/data/event", "recalled-already")}


@pytest.mark.parametrize(
    "more", [{"because": "wrong_child", "recipients": ["school-a"]}, {"because": "wrong_recipient"}]
)
def test_recipients_are_named_where_they_were_wrong_and_only_there(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        IncidentRecalled.model_validate({"event": "x", "reason": REASON, **more})


def two_incidents() -> tuple[Story, Story, dict[str, Any]]:
    subjects = mint("subject"), mint("subject")
    one, two = (referred(AT, child={"subject": subject}) for subject in subjects)
    one.related = two.related = {one.subject: one.now, two.subject: two.now}
    return one, two, {"subjects": subjects, "incidents": (one.subject, two.subject), "reason": REASON}


def decide_for_both(one: Story, two: Story, data: Model) -> None:
    proposal = event(data, LATER, one.subject)
    outcomes = rules.decide(one.incident, proposal, one.context(LATER))
    assert [outcome.subject for outcome in outcomes] == [one.subject, two.subject]
    for story in (one, two):
        story.record(proposal, [each for each in outcomes if each.subject == story.subject], LATER)
    one.related = two.related = {one.subject: one.now, two.subject: two.now}


def test_two_subjects_are_joined_on_both_streams_parted_again_and_nothing_is_moved() -> None:
    one, two, about = two_incidents()
    first, second = about["subjects"]
    before = one.now.subjects, two.now.subjects, running(one)
    decide_for_both(one, two, SubjectsMerged(**about))
    assert one.now.joined == {first: {second}}
    assert two.now.joined == {second: {first}}
    assert (one.now.subjects, two.now.subjects, running(one)) == before
    assert faults(one, SubjectsMerged(**about)) == {("/data/subjects", "merged-already")}
    decide_for_both(one, two, SubjectsSplit(**about))
    assert one.now.joined == two.now.joined == {}
    assert faults(one, SubjectsSplit(**about)) == {("/data/subjects", "not-merged")}


def test_a_child_that_is_not_in_its_incident_and_an_incident_of_others_join_nothing() -> None:
    one, _, about = two_incidents()
    stranger = about | {"subjects": (mint("subject"), about["subjects"][1])}
    assert faults(one, SubjectsMerged(**stranger)) == {("/data/subjects/0", "not-of-this-incident")}
    unknown = about | {"incidents": (one.subject, mint("incident"))}
    assert faults(one, SubjectsMerged(**unknown)) == {("/data/incidents/1", "not-found")}
    assert faults(one, SubjectsMerged(**about), OTHER_COUNCIL) == {
        ("/data/incidents/0", "not-found"),
        ("/data/incidents/1", "not-found"),
    }
    with pytest.raises(ValidationError):
        SubjectsMerged(**about | {"subjects": (about["subjects"][0],) * 2})


def test_folded_anew_or_kept_and_read_again_an_incident_is_the_same_after_all_of_this() -> None:
    one, two, about = two_incidents()
    decide_for_both(one, two, SubjectsMerged(**about))
    propose(one, correction(nature=Nature.CHILD_DEATH, home_authority=HOME))
    propose(one, IncidentRecalled(event=one.facts[0].id, because="wrong_child", reason=REASON))
    assert one.refold() == one.now
    assert INCIDENT.validate_json(INCIDENT.dump_json(one.now)) == one.now


def test_notifications_forgets_an_area_that_was_named_by_mistake() -> None:
    story = notifiable(AT, home_authority=HOME)
    propose(story, correction(cleared=("homeAuthority",)))
    case = Case(story.subject)
    for fact in story.facts:
        case = notified(case, fact)
    assert (case.areas, case.other_areas) == (frozenset({HOST}), ())
