"""Whom a change would hurt is asked of a running installation's agreements, not of a file that somebody kept."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.access import Agreement
from contracts.catalogue import CATALOGUE
from contracts.directory import Directory, directory_from
from infra.agencies import AGENCIES, agencies_file
from infra.contracts.agreements import directory
from infra.contracts.released import findings, freeze
from infra.postgres.provision import ServiceDatabase
from services.gateway.bootstrap import bootstrap
from shared.database import Database
from tests.contract.northshire import ICB, PARTNERSHIP
from tests.faults.gateway.ground import HandClock, gateway_database
from tests.stacks import Stack

AMENDED = CATALOGUE["notification.amended"]
NARROWED = f"""
{PARTNERSHIP}{ICB}
[[agreement]]
agency = "northshire-icb"
partnership = "northshire"
legal_basis = "Children Act 2004 section 16E: safeguarding partners working together"
review_on = 2027-04-01
incidents = ["area"]
may_read = ["notification.amended"]
fields = {{ "notification.amended" = ["version", "portalTime"] }}
reads = {{ "notification.amended" = 1 }}
"""
"""What its people agreed after the demo's file was written: the board reads amendments, and reads version 1."""


@pytest.fixture(scope="module")
async def installation(stack: Stack) -> ServiceDatabase:
    """A gateway's database that began with the demo's agencies, one agreement of which has been changed since."""
    service = await gateway_database(stack, "live")
    database = Database(service.runtime_url, pool_size=1)
    try:
        await bootstrap(database, HandClock(), NARROWED, amend=True)
    finally:
        await database.close()
    return service


def _asked(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "infra.contracts", *words]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


def _agreed(within: Directory) -> dict[tuple[str, str], Agreement]:
    """Without who agreed it."""
    return {place: replace(one, proposed_by="", approved_by="") for place, one in within.agreements.items()}


def test_what_an_installation_agreed_is_printed_as_a_file_that_says_the_same(installation: ServiceDatabase) -> None:
    told = _asked("agreements", SX_DATABASE_URL=installation.runtime_url)

    assert told.returncode == 0, told.stderr
    live, demo = directory_from(told.stdout), directory()
    place = ("northshire-icb", "northshire")
    assert _agreed(live)[place].reads == {"notification.amended": 1}
    assert _agreed(live)[place].version == demo.agreements[place].version + 1
    others = _agreed(demo)
    others.pop(place)
    assert {place: one for place, one in _agreed(live).items() if place in others} == others
    assert "@" not in told.stdout, "no office's address is needed to weigh a change"


def test_a_version_that_only_the_running_installation_reads_cannot_be_retired(
    installation: ServiceDatabase, tmp_path: Path
) -> None:
    freeze(tmp_path, {AMENDED.name: AMENDED})
    without = {AMENDED.name: replace(AMENDED, retired=frozenset({1}))}
    live = directory_from(_asked("agreements", SX_DATABASE_URL=installation.runtime_url).stdout)

    failing = [finding.words for finding in findings(live, without, tmp_path) if finding.fails]

    assert len(failing) == 1
    assert "cannot be retired" in failing[0]
    assert "Northshire Integrated Care Board" in failing[0]
    by_the_demo = [finding.words for finding in findings(directory(), without, tmp_path) if finding.fails]
    assert not any("Northshire Integrated Care Board" in words for words in by_the_demo)


def test_the_check_says_whose_agreements_it_asked(tmp_path: Path) -> None:
    (tmp_path / "of-somebody.toml").write_text(agencies_file(directory()))
    count = len(directory().agreements)
    assert f"by the {count} agreements of of-somebody.toml\n" in _asked("check", f"{tmp_path}/of-somebody.toml").stdout
    assert f"agreements of {AGENCIES.name} (the demo's; name a file" in _asked("check").stdout


@pytest.mark.parametrize("words", [("check", "nowhere.toml"), ("release", "nowhere.toml"), ("agreements",)])
def test_what_cannot_be_asked_is_said_in_a_sentence(words: tuple[str, ...]) -> None:
    told = _asked(*words, SX_DATABASE_URL="")
    assert told.returncode == 1
    assert "nowhere.toml" in told.stderr or "SX_DATABASE_URL" in told.stderr
    assert "Traceback" not in told.stderr
