"""The checker sees what is otherwise than expected, says it plainly, and the demo ends with status 1."""

import json
import shutil
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.demo.checker import EXPECTATIONS, BadExpectation, Difference, differences, read_expectations
from infra.demo.clock_mover import NotQuiet
from infra.demo.outside_eye import Seen, types_by_topic
from infra.demo.run import Act, Outcome
from infra.local import demo

NAME = "after-midnight"


def _clock(**said: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "state": "met_in_time",
        "day0": date(2026, 8, 28),
        "due": date(2026, 9, 7),
        "not_counted": [date(2026, 8, day) for day in (29, 30, 31)] + [date(2026, 9, day) for day in (5, 6)],
        "late_from": datetime(2026, 9, 7, 23, tzinfo=UTC),
        "warned_on": [],
        "was_missed": False,
    }
    return usual | said


@pytest.fixture
def found() -> dict[str, Any]:
    """What becomes of the scenario when all is well, written out by hand."""
    told = ("told-northshire-police", "told-northshire-icb")
    steps = ("referral", "triage", *told, "draft", "approval", "submission", "review-submitted", "panel-answer")
    receipt = {"status": "accepted", "http": 200, "faults": [], "allowed": [], "marks": [], "waited": False}
    incidents = ["incident.referred.v1", "notifiability.decided.v1", "partner.notified.v1"]
    deadlines = [f"deadline.{what}.v1" for what in ("set", "recomputed", "due-soon", "met")]
    return {
        "receipts": {step: dict(receipt, same_as=None) for step in steps},
        "incidents": {
            "referral": {
                "status": "triaged_notifiable",
                "notification": "submitted",
                "grounds": ["S16C_A"],
                "recipients": ["partners", "ofsted", "department", "panel"],
                "rapid_review": True,
                "clocks": {
                    "T01": _clock(warned_on=[3, 4]),
                    "T02:northshire-police": _clock(),
                    "T02:northshire-icb": _clock(),
                    "T05": _clock(due=date(2026, 9, 1)),
                },
                "published": {
                    "safeguarding.incidents": sorted(incidents + deadlines),
                    "safeguarding.notifications": [
                        f"notification.{what}.v1" for what in ("approved", "drafted", "submitted")
                    ],
                    "safeguarding.reviews": [
                        *("deadline.met.v1", "deadline.set.v1", "panel.answered.v1"),
                        *("review.opened.v1", "review.submitted.v1"),
                    ],
                },
            }
        },
        "calendar": {},
        "in_the_open": [],
    }


def _compared(found: Mapping[str, Any], folder: Path = EXPECTATIONS) -> list[str]:
    return [one.sentence() for one in differences(NAME, read_expectations(folder)[NAME], found)]


def _copy(folder: Path, old: str, new: str) -> Path:
    shutil.copytree(EXPECTATIONS, folder / "expectations")
    (path,) = (folder / "expectations").glob(f"*-{NAME}.toml")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return folder / "expectations"


def test_what_is_as_expected_differs_in_nothing(found: dict[str, Any]) -> None:
    assert _compared(found) == []


def test_one_wrong_date_in_the_expectations_is_reported(found: dict[str, Any], tmp_path: Path) -> None:
    planted = _copy(tmp_path, "due = 2026-09-07", "due = 2026-09-04")

    assert _compared(found, planted) == ["after-midnight: T01 due: expected 2026-09-04, found 2026-09-07"]


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("incidents/referral/clocks/T01/state", "met_late", "T01 state: expected met_in_time, found met_late"),
        ("incidents/referral/status", "referred", "status: expected triaged_notifiable, found referred"),
        ("incidents/referral/recipients", ["panel"], "recipients: expected panel, department, ofsted, partners"),
        ("incidents/referral/rapid_review", False, "rapid_review: expected True, found False"),
        ("incidents/referral/clocks/T03", _clock(), "clocks: expected T01, T02:northshire-icb"),
        ("incidents/second", {}, "incidents: expected referral, found referral, second"),
        ("receipts/draft/status", "refused", "receipt of draft, status: expected accepted, found refused"),
        ("incidents/referral/published/safeguarding.notifications", [], "types on safeguarding.notifications: exp"),
        (
            "incidents/referral/published/safeguarding.vault",
            ["record.read.v1"],
            "types on safeguarding.vault: expected nothing, found record.read.v1",
        ),
        (
            "incidents/referral/published/safeguarding.notifications",
            ["notification.approved.v1", "notification.drafted.v1", "notification.drafted.v1"],
            "types on safeguarding.notifications: exp",
        ),
        ("in_the_open", ["answers"], "words on topics: expected nothing, found answers"),
    ],
)
def test_whatever_came_out_otherwise_is_said(path: str, value: Any, sentence: str, found: dict[str, Any]) -> None:
    changed = deepcopy(found)
    *way, last = path.split("/")
    node = changed
    for step in way:
        node = node[step]
    node[last] = value

    assert any(sentence in said for said in _compared(changed))


def test_what_other_scenarios_bring_about_is_no_difference(found: dict[str, Any]) -> None:
    found["calendar"] = {"safeguarding.calendar": ["calendar.day-added.v1"]}
    found["incidents"]["referral"]["published"]["safeguarding.vault"] = ["subject.likeness-noticed.v1"]

    assert _compared(found) == []


def _missed(number: int, **data: Any) -> Seen:
    told = {"clock": "T01", "due": "2026-09-07", "again": False} | data
    event = {
        "source": "/services/gateway",
        "id": str(number),
        "type": "deadline.missed.v1",
        "subject": "it",
        "data": told,
    }
    return Seen("safeguarding.incidents", b"", event)


@pytest.mark.parametrize(
    ("seen", "times"),
    [
        ([_missed(1)], 1),
        ([_missed(1), _missed(1)], 1),
        ([_missed(1), _missed(2, again=True), _missed(3, clock="T03")], 1),
        ([_missed(1), _missed(2)], 2),
        ([_missed(1), _missed(2, again=True), _missed(3, again=True), _missed(4)], 3),
    ],
    ids=["once", "published again", "of other clocks and days", "twice", "each twice"],
)
def test_a_deadline_that_is_told_twice_is_seen(seen: list[Seen], times: int) -> None:
    assert types_by_topic(seen, "it") == {"safeguarding.incidents": ["deadline.missed.v1"] * times}


def test_a_clock_that_is_missing_is_said(found: dict[str, Any]) -> None:
    del found["incidents"]["referral"]["clocks"]["T02:northshire-icb"]

    (said,) = _compared(found)

    assert said.startswith("after-midnight: clocks: expected T01, T02:northshire-icb, T02:northshire-police, T05")


def test_a_key_that_nothing_is_checked_by_is_refused(tmp_path: Path) -> None:
    planted = _copy(tmp_path, "rapid_review = true", "rapid_reveiw = true")

    with pytest.raises(BadExpectation, match="rapid_reveiw"):
        read_expectations(planted)


def test_a_scenario_without_an_expectation_differs(found: dict[str, Any]) -> None:
    assert differences("forgotten", None, found) == [
        Difference("forgotten", "the whole", "an expectation", "none was written")
    ]


@pytest.mark.parametrize("wrong", [(), (Difference(NAME, "T01 due", date(2026, 9, 4), date(2026, 9, 7)),)])
def test_the_demo_ends_with_its_line_and_a_status_that_tells(
    wrong: tuple[Difference, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "run", lambda *_: Outcome(44, wrong, ("a.pdf",), {"exchange": Act()}))

    status = demo.main([])

    said = capsys.readouterr()
    assert status == len(wrong)
    assert json.loads(said.out.splitlines()[-1]) == {
        "scenarios": 44,
        "as_expected": 44 - len(wrong),
        "exports": ["a.pdf"],
        "acts": {"exchange": "as expected"},
    }
    assert said.err.splitlines() == [one.sentence() for one in wrong]


def test_an_act_that_came_out_otherwise_is_told_and_fails_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Difference("exchange", "panel, incident", 404, 200)
    monkeypatch.setattr(demo, "run", lambda *_: Outcome(44, (), (), {"exchange": Act((wrong,))}))

    assert demo.main([]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["acts"] == {"exchange": "otherwise than expected"}
    assert said.err.splitlines() == [wrong.sentence()]


def test_a_demo_that_cannot_be_played_says_so_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_: object) -> Outcome:
        raise NotQuiet("not quiet after 60 s: gateway")

    monkeypatch.setattr(demo, "run", run)

    assert demo.main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("not quiet after 60 s: gateway\nThe services' logs are in ")
