"""`sx`, as the people use it who have no console: the whole life of a notification from a terminal."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.whole_stack.conftest import PROPOSALS, Exchange

SX = Path(sys.executable).with_name("sx")


class Terminal:
    """One person's terminal."""

    def __init__(self, exchange: Exchange, home: Path) -> None:
        self._exchange = exchange
        self._environment = os.environ | {
            "SX_HOME": str(home),
            "SX_GATEWAY": exchange.stack.urls["gateway"],
            "SX_ISSUER": exchange.stack.urls["issuer"],
            "COLUMNS": "200",
        }

    def run(self, *words: str, fails: bool = False) -> str:
        """What `sx` prints."""
        done = subprocess.run([SX, *words], env=self._environment, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *words: str) -> Any:
        """What `sx --json` prints."""
        return json.loads(self.run(*words, "--json"))


@pytest.fixture
def terminal(exchange: Exchange, tmp_path: Path) -> Terminal:
    terminal = Terminal(exchange, tmp_path)
    for account in ("authority-notifier", "authority-approver", "operator"):
        terminal.run("sign-in", "--as", account, "--local", str(exchange.stack.home.folder))
    return terminal


def _data(example: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((PROPOSALS / f"{example}.json").read_text())["data"]
    return data


def test_a_recall_and_the_first_page_of_a_breach_report(terminal: Terminal, exchange: Exchange) -> None:
    terminal.run("sign-in", "--as", "business-unit-manager", "--local", str(exchange.stack.home.folder))
    incident = exchange.refer()
    timeline = terminal.json("timeline", incident, "--as", "authority-notifier")
    referral = next(fact["id"] for fact in timeline if fact["type"] == "incident.referred.v1")
    why = ("--because", "wrong_recipient", "--recipient", "northshire-icb", "--reason", "An old list.")
    told = terminal.run("recall", incident, referral, *why, "--as", "authority-notifier")
    assert "accepted" in told
    page = terminal.run("breach-report", referral, "--as", "business-unit-manager")
    assert page.startswith("OFFICIAL-SENSITIVE")
    assert f"Recalled: {referral}, wrong recipient (wrong recipients: northshire-icb)" in page
    report = terminal.json("breach-report", incident, "--as", "business-unit-manager")
    assert report["incident"] == incident
    assert "Due: nothing" in terminal.run("retention", "due", "--as", "business-unit-manager")
    assert "Not found" in terminal.run("breach-report", incident, "--as", "authority-notifier", fails=True)


def test_from_a_referral_to_the_copy_for_the_panel(terminal: Terminal, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    # Four days ago, so that a weekend lies within the five working days whatever today is.
    aware, filed = (now - timedelta(days=4)).isoformat(), (now - timedelta(hours=1)).isoformat()
    (tmp_path / "referral.json").write_text(json.dumps(_data("incident.referred.v1")))
    content = _data("notification.drafted.v1")["content"] | {"becameAwareAt": aware}
    (tmp_path / "content.json").write_text(json.dumps(content))

    referred = terminal.json("refer", str(tmp_path / "referral.json"), "--as", "authority-notifier")
    incident = referred["incident"]
    assert incident in {task["incident"] for task in terminal.json("list", "--as", "authority-approver")}

    triage = ("triage", incident, "--aware-at", aware, "--ground", "S16C_A", "--icb", "agree", "--police", "agree")
    assert terminal.json(*triage, "--as", "authority-approver")["status"] == "accepted"
    draft = ("draft", incident, str(tmp_path / "content.json"), "--as", "authority-notifier")
    assert terminal.json(*draft)["status"] == "accepted"
    refused = terminal.run("approve", incident, "--as", "authority-notifier", fails=True)
    assert "your agency and role, under your sharing agreement, may propose only" in " ".join(refused.lower().split())
    assert terminal.json("notification", incident, "--as", "authority-notifier")["status"] == "draft"
    assert terminal.json("approve", incident, "--as", "authority-approver")["status"] == "accepted"
    submitted = ("submitted", incident, "--reference", "CSI-1", "--at", filed, "--as", "authority-notifier")
    assert terminal.json(*submitted)["status"] == "accepted"

    shown = terminal.run("show", incident, "--as", "authority-notifier")
    assert "due by the end of" in shown
    assert "does not count: Saturday" in shown
    assert "submitted" in terminal.run("notification", incident, "--as", "authority-notifier")
    copy = tmp_path / "copy.pdf"
    terminal.run("export", incident, "--output", str(copy), "--as", "authority-notifier")
    assert copy.read_bytes().startswith(b"%PDF")
    timeline = [one["type"] for one in terminal.json("timeline", incident, "--as", "authority-notifier")]
    assert "deadline.met.v1" in timeline


def test_an_operator_sees_signals_and_that_the_log_is_whole_and_no_case(terminal: Terminal, exchange: Exchange) -> None:
    at = ("--at", exchange.stack.urls["delivery"], "--as", "operator")
    assert {one["agency"] for one in terminal.json("feeds", *at)} >= {"northshire-council", "panel"}
    assert "northshire-council" in terminal.run("feeds", *at)
    for service in ("gateway", "notifications", "vault"):
        told = terminal.json("signals", "--at", exchange.stack.urls[service], "--as", "operator")
        assert told["service"] == service
    for service in ("gateway", "notifications"):
        assert terminal.json("verify", "--at", exchange.stack.urls[service], "--as", "operator")["whole"]
    assert terminal.json("list", "--all", "--as", "operator") == []


def test_what_cannot_be_done_is_said_in_a_sentence(terminal: Terminal) -> None:
    absent = f"incident-{'0' * 32}"
    assert "Not found" in terminal.run("show", absent, "--as", "authority-notifier", fails=True)
    assert "sign-in" in terminal.run("list", "--as", "nobody", fails=True)
    assert "offset" in terminal.run("told", absent, "northshire-icb", "--at", "yesterday", fails=True)
