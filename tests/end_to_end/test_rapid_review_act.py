"""The third act's messages are events, its expectations are whole, and its checker sees what is otherwise."""

from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import parse
from infra.demo.checker import EXPECTATIONS, BadExpectation
from infra.demo.player import Played
from infra.demo.reviewing import read_rapid_review, report_pdf
from infra.demo.reviewing_checker import read_rapid_review_expected, review_differences
from infra.demo.reviewing_story import review_story
from infra.demo.scenarios import BadScenario, filled
from infra.demo.ways_in import Sent

IDS = {"subject": "subject-" + "1" * 32, "request": "request-" + "2" * 32, "document": "vault:" + "3" * 32}
INCIDENT = "incident-" + "4" * 32


def _look_up(name: str) -> str:
    return IDS[name.partition(":")[0]]


@pytest.fixture
def expected() -> dict[str, Any]:
    return read_rapid_review_expected(EXPECTATIONS)


@pytest.fixture
def found(expected: dict[str, Any]) -> dict[str, Any]:
    """What comes of the act when all is well."""
    steps = [step.name for step in read_rapid_review().steps]
    usual = {
        "status": "accepted",
        "faults": [],
        "allowed": [],
        "marks": [],
        "http": 200,
        "waited": False,
        "same_as": None,
    }
    receipts = {step: {**usual, **expected["receipts"].get(step, {})} for step in steps}
    clocks = [{**clock, "off": {}} for clock in expected["clocks"]]
    return deepcopy({**expected, "receipts": receipts, "clocks": clocks, "in_the_open": []})


def test_its_messages_are_events_of_the_contracts() -> None:
    for step in read_rapid_review().steps:
        parse(filled(step.event or {}, {"referral": INCIDENT}, _look_up))


def test_a_placeholder_that_nobody_looks_up_is_told() -> None:
    step = next(step for step in read_rapid_review().steps if step.name == "acknowledged-northshire-police")
    with pytest.raises(BadScenario, match="nobody looks up"):
        filled(step.event or {}, {"referral": INCIDENT})


def test_its_expectations_speak_only_of_steps_that_there_are(expected: dict[str, Any]) -> None:
    assert set(expected["receipts"]) <= {step.name for step in read_rapid_review().steps}


def test_what_is_as_expected_differs_in_nothing(expected: dict[str, Any], found: dict[str, Any]) -> None:
    assert review_differences(expected, found) == []


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("receipts/check-same/status", "accepted", "receipt of check-same status: expected refused"),
        ("receipts/gaps/status", "refused", "receipt of gaps status: expected accepted"),
        ("review/plan/submit", date(2027, 1, 13), "review plan submit: expected 2027-01-12, found 2027-01-13"),
        ("requests/harbour-homes/chased", ["reminder"], "requests harbour-homes chased: expected reminder, overdue"),
        ("requests/southmere-police", {"status": "requested"}, "requests southmere-police: expected nothing"),
        ("practice/available_until", None, "practice available_until: expected 2028-06-09, found nothing"),
        ("feeds/northshire-icb/of_others", ["northshire-police"], "feeds northshire-icb of_others: expected nothing"),
        ("judged", [], "judged: expected T06a met"),
        ("scans", ["found", "failed"], "scans: expected found, nothing_found"),
        ("in_the_open", ["safeguarding.reviews"], "words on topics: expected nothing"),
    ],
)
def test_whatever_came_out_otherwise_is_said(
    path: str, value: Any, says: str, expected: dict[str, Any], found: dict[str, Any]
) -> None:
    *way, last = path.split("/")
    node = found
    for part in way:
        node = node[part]
    node[last] = value
    (said,) = [one.sentence() for one in review_differences(expected, found)]
    assert says in said


def test_one_day_in_a_reckoning_is_a_difference(expected: dict[str, Any], found: dict[str, Any]) -> None:
    found["clocks"][0]["not_counted"].pop()
    (said,) = [one.sentence() for one in review_differences(expected, found)]
    assert "clocks: expected clock T06a" in said


def test_a_part_that_nothing_is_checked_by_is_refused(tmp_path: Path) -> None:
    text = (EXPECTATIONS / "acts" / "rapid_review.toml").read_text()
    (tmp_path / "acts").mkdir()
    (tmp_path / "acts" / "rapid_review.toml").write_text(text.replace("[review]", "[reveiw]", 1))
    with pytest.raises(BadExpectation, match="review"):
        read_rapid_review_expected(tmp_path)


def test_its_story_says_who_was_chased_and_how_dates_were_reckoned(found: dict[str, Any]) -> None:
    act = read_rapid_review()
    found["clocks"][0]["off"] = {date(2026, 12, 25): "Christmas Day"}
    story = review_story(Played(act, {step.name: Sent("accepted", 200) for step in act.steps}), found, [])
    words = " ".join(story.split())
    assert max(map(len, story.splitlines())) <= 116
    assert "Tue 5 Jan 2027 09:00 clock harbour-homes: its senior is told" in words
    assert "harbour-homes never" in words
    assert (
        "day 0 Thu 17 Dec 2026, 15 working days; Fri 25 Dec 2026 is Christmas Day; due end of Tue 12 Jan 2027" in words
    )
    assert "day 0 Mon 1 Feb 2027, 6 months; due end of Sun 1 Aug 2027" in words
    assert story.rstrip().endswith("As expected.")


def test_the_first_draft_tells_who_it_is_about_and_the_second_does_not() -> None:
    assert report_pdf("draft-1").startswith(b"%PDF-")
    assert report_pdf("draft-1") != report_pdf("draft-2")
