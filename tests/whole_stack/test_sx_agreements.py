"""`sx` for those who run a partnership: an agency joins, and somebody is shut out of one case, in every service."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from infra.issuer.identities import read_identities
from infra.local.migrations import bootstrap
from tests.whole_stack.conftest import PROPOSALS, Exchange, until
from tests.whole_stack.test_sx import SX, Terminal

AGENCY = "northshire-hospice"
ACCOUNTS = (
    "partnership-administrator",
    "business-unit-manager",
    "authority-approver",
    "authority-notifier",
    "police-reviewer",
)


@pytest.fixture
def terminal(exchange: Exchange, tmp_path: Path) -> Terminal:
    terminal = Terminal(exchange, tmp_path)
    for account in ACCOUNTS:
        terminal.run("sign-in", "--as", account, "--local", str(exchange.stack.home.folder))
    return terminal


def _files(folder: Path) -> Iterator[Path]:
    listing = folder / "agency.toml"
    listing.write_text(
        f'agency = "{AGENCY}"\nname = "Northshire Hospice"\ntype = "provider"\nareas = ["E06000991"]\n'
        'mailboxes = { partner = "partner@northshire-hospice.example" }\n'
    )
    yield listing
    agreement = folder / "agreement.toml"
    agreement.write_text(
        f'agency = "{AGENCY}"\nlegal_basis = "Children Act 2004 section 11: duty to safeguard"\n'
        "review_on = 2027-09-01\n"
        'incidents = ["own", "participant"]\nmay_propose = ["incident.referred"]\nmay_read = ["incident.referred"]\n'
    )
    yield agreement


def test_an_agency_joins_by_two_people_and_is_cut_off_by_one(terminal: Terminal, tmp_path: Path) -> None:
    listing, agreement = _files(tmp_path)
    administrator, manager = (("--as", name) for name in ACCOUNTS[:2])
    assert terminal.json("agencies", "list", str(listing), *administrator)["status"] == "accepted"
    assert AGENCY in terminal.run("agencies", *administrator)
    assert terminal.json("agreements", "propose", str(agreement), *administrator)["status"] == "accepted"
    shown = terminal.run("agreements", "show", AGENCY, *manager)
    assert "awaiting a second person" in shown
    (standing,) = terminal.json("agreements", "show", AGENCY, *manager)
    hashed = ("--hash", standing["awaiting"]["hash"])
    assert "proposer" in terminal.run("agreements", "approve", AGENCY, *hashed, *administrator, fails=True)
    assert terminal.json("agreements", "approve", AGENCY, *hashed, *manager)["status"] == "accepted"
    assert AGENCY in terminal.run("agreements", "list", *manager)
    ended = terminal.json("agreements", "end", AGENCY, "--why", "The pilot is over", *manager)
    assert ended["status"] == "accepted"
    assert terminal.json("agencies", "withdraw", AGENCY, "--why", "The pilot is over", *manager)["status"] == "accepted"


def test_somebody_shut_out_of_a_case_finds_it_gone_in_every_service(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "referral.json").write_text(
        json.dumps(json.loads((PROPOSALS / "incident.referred.v1.json").read_text())["data"])
    )
    incident = terminal.json("refer", str(tmp_path / "referral.json"), "--as", "police-reviewer")["incident"]
    assert incident in terminal.run("show", incident, "--as", "police-reviewer")
    whom = (incident, "--agency", "northshire-police", "--basis", "conflict_of_interest")
    proposed = terminal.json("exclude", "propose", *whom, "--reason", "A reason in words", "--as", "authority-approver")
    assert proposed["status"] == "accepted"
    assert "proposer" in terminal.run("exclude", "approve", *whom, "--as", "authority-approver", fails=True)
    assert terminal.json("exclude", "approve", *whom, "--as", "business-unit-manager")["status"] == "accepted"
    for words in (("show", incident), ("timeline", incident), ("notification", incident)):
        assert "Not found" in terminal.run(*words, "--as", "police-reviewer", fails=True)
    assert incident not in terminal.run("list", "--all", "--as", "police-reviewer")
    assert incident in terminal.run("show", incident, "--as", "authority-notifier")
    lifted = terminal.json(
        "exclude", "propose", *whom, "--lift", "--reason", "A reason", "--as", "business-unit-manager"
    )
    assert lifted["status"] == "accepted"
    assert terminal.json("exclude", "end", *whom, "--as", "authority-approver")["status"] == "accepted"
    assert incident in terminal.run("show", incident, "--as", "police-reviewer")


def test_an_empty_installation_is_begun_by_command_with_offices_and_no_demo_people(
    exchange: Exchange, tmp_path: Path
) -> None:
    asked = [
        *("--partnership", "westshire", "--name", "Westshire Partnership", "--area", "E06000998"),
        *("--authority", "westshire-council", "--authority-name", "Westshire Council"),
        *("--review-on", "2027-04-01", "--folder", str(tmp_path)),
    ]
    done = subprocess.run([SX, "bootstrap", *asked], capture_output=True, text=True, check=True, env=os.environ)
    assert "python -m services.gateway.bootstrap" in done.stdout
    people = read_identities(tmp_path / "identities.toml").person
    assert {person.agency for person in people} == {"westshire-council"}
    assert {role for person in people for role in person.roles} >= {"administrator", "business_unit"}
    stack = exchange.stack
    bootstrap(
        stack.services, {"gateway": stack.create_database("gateway")}, tmp_path / "agencies.toml", stack.clock_file
    )
    url = stack.create_database("notifications").runtime_url.replace("+asyncpg", "")
    until(lambda: _listed(url), lambda known: "westshire-council" in known)  # no service was restarted


def _listed(url: str) -> str:
    async def ask() -> str:
        connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch("select convert_from(event, 'UTF8') from listed")
            return "\n".join(row[0] for row in rows)
        finally:
            await connection.close()

    return asyncio.run(ask())
