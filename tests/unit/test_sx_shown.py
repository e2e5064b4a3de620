"""What `sx` shows a person of clocks and lists, and what it reads from their files."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from safeguarding_exchange import shown
from safeguarding_exchange.agreements import changed
from safeguarding_exchange.proposing import _content, data_of
from safeguarding_exchange.records import PURPOSES

from contracts.vault import ROLES, Purpose

PROPOSALS = Path(__file__).parents[2] / "contracts" / "examples" / "proposals"
INCIDENT = "incident-" + "1" * 32


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "console", Console(width=80, highlight=False))


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"event": "deadline.met", "rule": "T05", "inTime": True, "due": "2026-11-23"}, "met in time"),
        (
            {"event": "deadline.met", "rule": "T01", "inTime": False, "due": "2026-11-23", "workingDaysLate": 2},
            "late by 2",
        ),
        ({"event": "deadline.cancelled", "rule": "T01", "because": "not_notifiable"}, "ended, not notifiable"),
        ({"event": "deadline.set", "rule": "T01", "provisional": True}, "running, provisional"),
        ({"rule": "T01", "state": "provisional", "provisional": True}, "running, provisional"),
        ({"rule": "T01", "state": "open", "provisional": False}, "running"),
    ],
)
def test_a_clock_is_told_as_what_became_of_it(
    told: dict[str, Any], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown.clock(told)
    printed = capsys.readouterr().out
    assert says in printed
    assert "not known" not in printed


def test_only_a_clock_that_no_calendar_reaches_has_no_known_due_day(capsys: pytest.CaptureFixture[str]) -> None:
    shown.clock({"event": "deadline.set", "rule": "T01", "provisional": False, "uncomputed": True})
    assert "not known" in capsys.readouterr().out


def test_an_incidents_id_stands_whole_on_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown.table("Waiting", ["due", "what", "reference"], [["Mon 23 Nov 2026", f"decide\n{INCIDENT}", "R" * 60]])
    assert INCIDENT in capsys.readouterr().out


def test_beside_an_id_nothing_falls_off_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    row = [f"northshire-police\n{INCIDENT}", "Thu 10 Dec 2026", "overdue", "1 (late)\n2 (4 outside the period)"]
    shown.table("Asked", ["agency", "due", "standing", "versions"], [row])
    printed = capsys.readouterr().out
    assert INCIDENT in printed
    assert [word for cell in row for word in cell.split() if word not in printed.split()] == []


def test_a_whole_event_serves_where_its_data_or_its_content_is_asked_for(tmp_path: Path) -> None:
    referral = json.loads((PROPOSALS / "incident.referred.v1.json").read_text())
    assert data_of(PROPOSALS / "incident.referred.v1.json") == referral["data"]
    content = json.loads((PROPOSALS / "notification.drafted.v1.json").read_text())["data"]["content"]
    alone = tmp_path / "content.json"
    alone.write_text(json.dumps(content))
    assert _content(PROPOSALS / "notification.drafted.v1.json") == _content(alone) == content


def test_whoever_approves_an_agreement_sees_what_it_changes() -> None:
    now = {"legalBasis": "A", "mayRead": ["one", "two"], "fields": {"one": ["a", "b"]}, "reads": {}, "version": 1}
    offer = {
        "legalBasis": "A",
        "mayRead": ["two", "three"],
        "fields": {"one": ["a"]},
        "reads": {"two": 1},
        "version": 2,
    }
    assert changed(now, offer) == [
        ["mayRead", "one", "three"],
        ["fields", "one: a, b", "one: a"],
        ["reads", "", "two: 1"],
    ]
    assert changed({}, now)[1] == ["mayRead", "", "one\ntwo"]
    assert changed(now, now) == []


def test_the_purposes_named_are_those_for_which_some_person_may_look() -> None:
    for_people = {one.value for one, roles in ROLES.items() if roles}
    assert set(PURPOSES) == for_people - {Purpose.QUARANTINE_INSPECTION.value}, "that one has a command of its own"
