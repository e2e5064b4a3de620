"""A breaking change is told with the agencies that it would hurt, and what an agreement relies on cannot be retired."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import CATALOGUE, EventType
from contracts.directory import Directory, directory_from
from contracts.schema_forms import Form, schema
from infra.contracts.agreements import directory
from infra.contracts.released import RELEASED, Finding, findings

AGENCIES = """
[[partnership]]
id = "northshire"
name = "Northshire Safeguarding Children Partnership"
areas = ["E06000991"]

[[agency]]
id = "northshire-council"
name = "Northshire Council"
type = "local_authority"
areas = ["E06000991"]
partnerships = ["northshire"]

[[agency]]
id = "northshire-police"
name = "Northshire Police"
type = "police_force"
areas = ["E06000991"]
partnerships = ["northshire"]

[[agency]]
id = "northshire-icb"
name = "Northshire Integrated Care Board"
type = "icb"
areas = ["E06000991"]
partnerships = ["northshire"]

[[agreement]]
agency = "northshire-council"
partnership = "northshire"
version = 1
legal_basis = "Children Act 2004 section 16C: the duty to notify"
review_on = 2027-04-01
may_propose = ["incident.referred", "notification.amended"]
may_read = ["incident.referred", "notification.amended"]

[[agreement]]
agency = "northshire-police"
partnership = "northshire"
version = 1
legal_basis = "Children Act 2004 section 16E: safeguarding partners working together"
review_on = 2027-04-01
may_propose = ["incident.referred"]
may_read = ["incident.referred", "notification.amended"]
reads = { "notification.amended" = 1 }

[[agreement]]
agency = "northshire-icb"
partnership = "northshire"
version = 1
legal_basis = "Children Act 2004 section 16E: safeguarding partners working together"
review_on = 2027-04-01
may_read = ["incident.referred"]
fields = { "incident.referred" = ["nature", "hostAuthority"] }
"""


FEW: Mapping[str, EventType] = {name: CATALOGUE[name] for name in ("incident.referred", "notification.amended")}
"""Enough for every rule: the whole catalogue is weighed once, below."""


@pytest.fixture
def within() -> Directory:
    return directory_from(AGENCIES)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Today's schemas as if they had been released, to plant an earlier world in."""
    folder = tmp_path / "released"
    others = shutil.ignore_patterns(*(f"{name}.v*" for name in CATALOGUE if name not in FEW))
    shutil.copytree(RELEASED, folder, ignore=others)
    return folder


def _plant(released: Path, name: str, form: Form, changes: Mapping[str, Any]) -> None:
    """A released schema whose data had these fields besides: today they are gone."""
    path = released / form.value / f"{name}.json"
    frozen = json.loads(path.read_text())
    data = frozen["properties"]["data"]["$ref"].rpartition("/")[2]
    frozen["$defs"][data]["properties"] |= changes
    path.write_text(json.dumps(frozen))


def _said(found: list[Finding], name: str) -> list[str]:
    """What is said of a type, its details included."""
    lines: list[str] = []
    for finding in found:
        if name in finding.words or (lines and finding.words.startswith("    ") and lines[-1].startswith("  ")):
            lines.append(finding.words)
    return lines


def test_a_removed_field_names_those_who_read_it_and_nobody_from_whom_it_is_kept(
    within: Directory, released: Path
) -> None:
    _plant(released, "incident.referred.v1", Form.READ, {"urgency": {"type": "string"}})

    found = list(findings(within, FEW, released))

    assert _said(found, "incident.referred") == [
        "  incident.referred.v1 (read): major: /data/urgency: removed: who sends it is refused, who reads it misses it",
        "    hurts Northshire Council, Northshire Police, who read it",
        "✗ incident.referred.v1 (read): a major change under version 1: make it version 2, with steps in upcasting.py",
    ]
    assert any(finding.fails for finding in found)


def test_a_field_that_the_ceiling_keeps_from_a_kind_of_agency_hurts_none_of_that_kind(
    within: Directory, released: Path
) -> None:
    path = released / "read" / "incident.referred.v1.json"
    frozen = json.loads(path.read_text())
    frozen["$defs"]["HarmDimension"]["enum"].remove("other")
    path.write_text(json.dumps(frozen))

    (hurt,) = [line for line in _said(list(findings(within, FEW, released)), "incident.referred") if "hurts" in line]

    assert hurt == "    hurts Northshire Council, who read it", "police and health do not see `seriousHarm` here"


def test_what_is_refused_from_now_on_names_those_who_may_propose_it(within: Directory, released: Path) -> None:
    _plant(released, "incident.referred.v1", Form.PUBLISH, {"urgency": {"type": "string"}})

    said = _said(list(findings(within, FEW, released)), "incident.referred")

    assert said[1] == "    hurts Northshire Council, Northshire Police, who may propose it"


def _without_version_1() -> dict[str, EventType]:
    amended = FEW["notification.amended"]
    return {**FEW, amended.name: replace(amended, retired={})}


def test_a_version_cannot_be_retired_while_an_agreement_reads_it(within: Directory, released: Path) -> None:
    found = list(findings(within, _without_version_1(), released))

    assert [finding.words for finding in found if finding.fails] == [
        "✗ notification.amended.v1 (read) cannot be retired: Northshire Police read it still, by agreement"
    ]
    assert "! notification.amended.v1 (publish): retired; Northshire Council must propose version 2 from now on" in [
        finding.words for finding in found
    ]


def test_a_version_that_nobody_reads_can_be_retired(within: Directory, released: Path) -> None:
    agreements = {place: replace(each, reads={}) for place, each in within.agreements.items()}
    found = list(findings(replace(within, agreements=agreements), _without_version_1(), released))

    assert not any(finding.fails for finding in found)
    assert any(finding.words.startswith("- notification.amended.v1 (read): retired") for finding in found)


def test_a_type_cannot_vanish_while_an_agreement_speaks_of_it(within: Directory, released: Path) -> None:
    without = {name: entry for name, entry in FEW.items() if name != "incident.referred"}

    failing = [finding.words for finding in findings(within, without, released) if finding.fails]

    assert failing == [
        "✗ incident.referred.v1 (publish) cannot be retired:"
        " Northshire Council, Northshire Police may propose it still",
        "✗ incident.referred.v1 (read) cannot be retired: Northshire Council, Northshire Integrated Care Board,"
        " Northshire Police read it still, by agreement",
    ]


def test_a_type_that_nobody_may_propose_any_more_names_those_whose_agreement_lets_them(
    within: Directory, released: Path
) -> None:
    closed = replace(CATALOGUE["incident.referred"], proposers=())

    failing = [finding.words for finding in findings(within, {**FEW, closed.name: closed}, released) if finding.fails]

    assert failing == [
        "✗ incident.referred.v1 (publish) cannot be retired: Northshire Council, Northshire Police may propose it still"
    ]


def test_a_new_major_version_names_those_who_read_it_at_once(within: Directory, released: Path) -> None:
    (released / "read" / "notification.amended.v2.json").unlink()

    said = [finding.words for finding in findings(within, FEW, released)]

    assert (
        "! notification.amended.v2: new; from its release on it is read by Northshire Council, unless an agreement says"
        " 1 under `reads`" in said
    )


def test_todays_contracts_hurt_no_agency_of_the_demo() -> None:
    assert [finding.words for finding in findings(directory()) if finding.fails] == []


def test_what_is_released_is_what_the_planted_worlds_begin_from() -> None:
    entry = CATALOGUE["incident.referred"]
    assert json.loads((RELEASED / "read" / f"{entry.wire_type}.json").read_text()) == schema(entry, 1, Form.READ)
