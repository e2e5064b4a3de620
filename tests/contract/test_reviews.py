"""The shapes of what is said in reviews: what a proposal cannot say at all, and what a feed leads on to."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.catalogue import CATALOGUE, INCIDENTS, REVIEWS, parse, topic_of
from contracts.ceilings import EVERYTHING
from contracts.feeds import outbound
from contracts.local_rules import DEFAULT
from contracts.matters import incidents_of
from contracts.review_codes import Task
from infra.contracts.examples import facts, proposals

INCIDENT, ANOTHER = f"incident-{'1' * 31}a", f"incident-{'2' * 31}b"
REFERENCE = f"vault:{'e' * 32}"
SAID: dict[str, Any] = {event["type"].rpartition(".v")[0]: event["data"] for _, event in proposals()}
FACTS: dict[str, Any] = {event["type"].rpartition(".v")[0]: event for _, event in facts()}


def refusal(name: str, **data: Any) -> str:
    """Why an example of that name, with this in it (None: without it), is refused."""
    told = {key: value for key, value in (SAID[name] | data).items() if value is not None}
    with pytest.raises(ValidationError) as refused:
        CATALOGUE[name].model.model_validate(told)
    return str(refused.value)


def test_a_decision_without_reasons_cannot_be_said() -> None:
    bare = {name: value for name, value in SAID["review.drafted"]["decision"].items() if name != "reasons"}
    assert "decision.reasons" in refusal("review.drafted", decision=bare)


def test_dissent_without_its_reasons_cannot_be_said() -> None:
    assert "dissent needs its reasons" in refusal("view.recorded", view="dissent", dissent=None)


def test_publishing_improvements_only_without_reasons_cannot_be_said() -> None:
    assert "reports must be published" in refusal("publication.planned", form="improvements_only", reasons=None)


def test_a_nil_return_holds_nothing() -> None:
    assert "a nil return holds no entries" in refusal(
        "information.returned", nil=True, entries=SAID["information.contributed"]["entries"]
    )


def test_an_entry_of_a_chronology_without_its_day_cannot_be_said() -> None:
    (entry, *_) = SAID["information.contributed"]["entries"]
    bare = {name: value for name, value in entry.items() if name != "day"}
    assert "entries.0.day" in refusal("information.contributed", entries=[bare])


def test_a_time_of_day_with_an_offset_cannot_be_said_since_it_has_no_place_among_those_without() -> None:
    (entry, *_) = SAID["information.contributed"]["entries"]
    for at in ("10:00:00Z", "10:00:00+01:00"):
        told = refusal("information.contributed", entries=[entry | {"at": at}])
        assert "entries.0.at" in told
        assert "without an offset" in told
    assert CATALOGUE["information.contributed"].model.model_validate(
        SAID["information.contributed"] | {"entries": [entry | {"at": "10:00:00"}]}
    )


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("information.requested", {"scopeFrom": "0001-01-01"}),
        ("information.requested", {"scopeTo": "9999-12-31"}),
        ("information.requested", {"due": "9999-12-31"}),
        ("return.queried", {"due": "9999-12-31"}),
    ],
)
def test_a_day_that_stands_for_none_cannot_be_said(name: str, wrong: dict[str, str]) -> None:
    assert next(iter(wrong)) in refusal(name, **wrong)


def test_a_check_that_failed_says_what_has_to_go() -> None:
    assert "say in note" in refusal("redaction.checked", result="failed", note=None)


def test_a_plan_has_each_task_once_and_those_of_ones_own_by_their_titles() -> None:
    own = [{"task": "other", "day": day, "title": f"Meeting {day}"} for day in (3, 5)]
    assert CATALOGUE["review.planned"].model.model_validate({"plan": own})
    assert "stands once in a plan" in refusal(
        "review.planned", plan=[{"task": "submit", "day": 14}, {"task": "submit", "day": 15}]
    )
    assert "has a title" in refusal("review.planned", plan=[{"task": "other", "day": 3}])


def test_the_plan_where_a_partnership_has_adopted_none_sends_on_day_15() -> None:
    """DOMAIN T07: the two flowcharts send on day 16, which T06a would count late."""
    days = {each.task: each.day for each in DEFAULT.plan}
    assert days == {
        Task.REQUESTS_OUT: 1,
        Task.RETURNS_DUE: 10,
        Task.CASE_GROUP: 12,
        Task.SIGN_OFF: 14,
        Task.SUBMIT: 15,
    }
    assert DEFAULT.rapid_review == "T06a"


def test_a_review_of_several_incidents_is_for_those_who_are_entitled_to_each() -> None:
    event = FACTS["practice-review.decided"]
    several = parse(event | {"data": event["data"] | {"incidents": [ANOTHER]}})
    assert incidents_of(several) == {INCIDENT, ANOTHER}


def test_a_commissioned_review_names_no_incident_but_its_own() -> None:
    assert incidents_of(parse(FACTS["practice-review.commissioned"])) == {INCIDENT}


@pytest.mark.parametrize("name", [name for name, entry in CATALOGUE.items() if entry.topic == REVIEWS])
def test_the_words_of_a_review_are_asked_for_at_the_review(name: str) -> None:
    sent = outbound(parse(FACTS[name]), EVERYTHING, CATALOGUE[name].major, sequence=1)
    assert sent.dataref == f"/v1/reviews/{INCIDENT}/detail"


@pytest.mark.parametrize(
    ("source", "topic", "of"), [("gateway", INCIDENTS, "incidents"), ("rapid-review", REVIEWS, "reviews")]
)
def test_a_deadline_lies_on_its_owners_topic_and_leads_to_what_it_times(source: str, topic: str, of: str) -> None:
    event = parse(FACTS["deadline.recomputed"] | {"source": f"/services/{source}"})
    assert topic_of(event) == topic
    assert outbound(event, EVERYTHING, 1, sequence=1).dataref == f"/v1/{of}/{INCIDENT}/detail"


def test_a_clock_of_months_is_reckoned_without_working_days() -> None:
    event = FACTS["deadline.set"]
    months = {"startedAt": "2026-08-31T10:00:00Z", "day0": "2026-08-31", "workingDays": 0, "months": 6, "calendar": "c"}
    reckoned = months | {"due": "2027-02-28", "lateFrom": "2027-03-01T00:00:00Z"}
    told = parse(event | {"data": event["data"] | {"clock": "T09", "rule": "T09", "reckoned": reckoned}})
    assert told.data.reckoned.due == date(2027, 2, 28)
