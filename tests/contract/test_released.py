"""A breaking change is told with the agencies that it would hurt, and what an agreement relies on cannot be retired."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import CATALOGUE, EventType
from contracts.ceilings import Ceiling, Fields, all_but
from contracts.codes import AgencyType
from contracts.directory import Directory, directory_from
from contracts.schema_forms import Form
from infra.contracts.agreements import directory
from infra.contracts.released import Finding, findings, freeze, next_minor, unraised
from tests.contract.northshire import COUNCIL, ICB, PARTNERSHIP, POLICE

AGENCIES = f"""
{PARTNERSHIP}{COUNCIL}{POLICE}{ICB}
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
reads = {{ "notification.amended" = 1 }}

[[agreement]]
agency = "northshire-icb"
partnership = "northshire"
version = 1
legal_basis = "Children Act 2004 section 16E: safeguarding partners working together"
review_on = 2027-04-01
may_read = ["incident.referred"]
fields = {{ "incident.referred" = ["nature", "hostAuthority"] }}
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
    freeze(folder, FEW)
    return folder


def _plant(released: Path, name: str, form: str, changes: Mapping[str, Any]) -> None:
    """A released schema whose data had these fields besides: today they are gone."""
    path = released / form / f"{name}.json"
    frozen = json.loads(path.read_text())
    data = frozen["properties"]["data"]["$ref"].rpartition("/")[2]
    frozen["$defs"][data].setdefault("properties", {}).update(changes)
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


def _changed(**how: Any) -> dict[str, EventType]:
    amended = FEW["notification.amended"]
    return {**FEW, amended.name: replace(amended, **how)}


RETIRED = _changed(retired=frozenset({1}))


def test_a_version_cannot_be_retired_while_an_agreement_reads_it(within: Directory, released: Path) -> None:
    found = list(findings(within, RETIRED, released))

    assert [finding.words for finding in found if finding.fails] == [
        "✗ notification.amended.v1 (outbound) cannot be retired: Northshire Police read it still, by agreement"
    ]
    assert "! notification.amended.v1 (publish): retired; Northshire Council must propose version 2 from now on" in [
        finding.words for finding in found
    ]


def test_a_version_that_nobody_reads_can_be_retired(within: Directory, released: Path) -> None:
    found = list(findings(_reading_today(within), RETIRED, released))

    assert not any(finding.fails for finding in found)
    assert any(finding.words.startswith("- notification.amended.v1 (outbound): retired") for finding in found)


def test_a_version_cannot_be_forgotten_even_if_nobody_reads_it(within: Directory, released: Path) -> None:
    """Facts of it lie in logs for good."""
    found = list(findings(_reading_today(within), _changed(earlier={}), released))

    assert [finding.words for finding in found if finding.fails] == [
        "✗ notification.amended.v1 (read) cannot go: facts of it lie in logs, which today's services read: name it"
        " under `retired` and keep its model under `earlier`"
    ]


def test_what_is_retired_is_frozen_for_reading_alone(released: Path) -> None:
    freeze(released, RETIRED)

    assert {path.parent.name for path in released.glob("*/notification.amended.v1.json")} == {"read"}


def _reading_today(within: Directory) -> Directory:
    agreements = {place: replace(each, reads={}) for place, each in within.agreements.items()}
    return replace(within, agreements=agreements)


def test_a_type_cannot_vanish_while_an_agreement_speaks_of_it(within: Directory, released: Path) -> None:
    without = {name: entry for name, entry in FEW.items() if name != "incident.referred"}

    failing = [finding.words for finding in findings(within, without, released) if finding.fails]

    assert failing == [
        "✗ incident.referred.v1 (publish) cannot be retired:"
        " Northshire Council, Northshire Police may propose it still",
        "✗ incident.referred.v1 (read) cannot go: facts of it lie in logs, which today's services read: keep it, with"
        " nobody who may propose or see it",
        "✗ incident.referred.v1 (outbound) cannot be retired: Northshire Council, Northshire Integrated Care Board,"
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


def _without(released: Path, path: str, *steps: str) -> None:
    """A released schema that lacked what stands there: today it is new."""
    frozen = json.loads((released / path).read_text())
    node = frozen
    for step in steps[:-1]:
        node = node[step]
    del node[steps[-1]]
    (released / path).write_text(json.dumps(frozen))


EVERYBODY = "Northshire Council, Northshire Integrated Care Board, Northshire Police"


def test_what_a_feed_lacks_from_now_on_names_those_who_read_that_version(within: Directory, released: Path) -> None:
    path = released / "outbound" / "notification.amended.v1.json"
    frozen = json.loads(path.read_text())
    frozen["properties"]["numbered"] = frozen["properties"]["sequence"]
    path.write_text(json.dumps(frozen))

    assert _said(list(findings(within, FEW, released)), "notification.amended.v1 (outbound)") == [
        "  notification.amended.v1 (outbound): major: /numbered: removed: who sends it is refused, who reads it"
        " misses it",
        "    hurts Northshire Police, who read it",
        "✗ notification.amended.v1 (outbound): a major change under version 1: make it version 2, with steps in"
        " upcasting.py",
    ]


def test_a_change_of_what_only_feeds_hold_names_every_subscriber(within: Directory, released: Path) -> None:
    _plant(released, "feed.withheld.v1", "outbound", {"why": {"type": "string"}})

    assert _said(list(findings(within, FEW, released)), "feed.withheld")[1:] == [
        f"    hurts {EVERYBODY}, who read it",
        "✗ feed.withheld.v1 (outbound): a major change under version 1: make it version 2 in feeds.py",
    ]


def test_a_change_of_the_copy_names_those_who_may_be_handed_one(released: Path) -> None:
    path = released / "exports" / "notification.v1.json"
    frozen = json.loads(path.read_text())
    frozen["properties"]["urgency"] = {"type": "string"}
    path.write_text(json.dumps(frozen))

    (_, hurt, failing) = _said(list(findings(directory(), FEW, released)), "notification.v1 (exports)")

    assert "Child Safeguarding Practice Review Panel" in hurt
    assert failing == (
        "✗ notification.v1 (exports): a major change under version 1: raise EXPORT_VERSION in exports.py to 2.0"
    )


def test_a_change_of_the_advance_copy_names_those_who_are_given_one(released: Path) -> None:
    path = released / "exports" / "advance-copy.v1.json"
    frozen = json.loads(path.read_text())
    frozen["properties"]["urgency"] = {"type": "string"}
    path.write_text(json.dumps(frozen))

    (_, hurt, failing) = _said(list(findings(directory(), FEW, released)), "advance-copy.v1 (exports)")

    assert all(reader in hurt for reader in ("Panel", "Department for Education", "Ofsted"))
    assert "Academy" not in hurt
    assert failing.endswith("raise EXPORT_VERSION in review_exports.py to 2.0")


def test_an_addition_to_the_copy_passes_and_says_which_number_to_raise(within: Directory, released: Path) -> None:
    _without(released, "exports/notification.v1.json", "properties", "remarks")

    assert [finding.words for finding in findings(within, FEW, released)] == [
        "  notification.v1 (exports): minor: /remarks: added: nobody need send it, and readers let it pass",
        "! notification.v1 (exports): a minor change; it passes. Before it is released, raise the second number of"
        " EXPORT_VERSION in exports.py by one",
    ]


def _seen(by: Mapping[AgencyType, Any]) -> Mapping[str, EventType]:
    referred = FEW["incident.referred"]
    ceiling = Ceiling({**referred.ceiling.agencies, **by}, referred.ceiling.roles)
    return {**FEW, referred.name: replace(referred, ceiling=ceiling)}


def test_a_narrowed_ceiling_names_those_who_lose_a_field_and_passes(within: Directory, released: Path) -> None:
    narrowed = _seen({AgencyType.ICB: all_but("policeInvestigation", "nature", "children")})

    (found,) = findings(within, narrowed, released)

    assert found == Finding(
        "! incident.referred.v1 (outbound): `children`, `nature` is kept from every icb from now on:"
        " Northshire Integrated Care Board read it"
    )


def test_a_narrowed_ceiling_names_nobody_whose_agreement_never_had_the_field(within: Directory, released: Path) -> None:
    (found,) = findings(within, _seen({AgencyType.ICB: all_but("policeInvestigation", "children")}), released)

    assert found.words.endswith("`children` is kept from every icb from now on: no agreement reads it there")


def test_a_type_that_is_taken_from_a_kind_of_agency_says_so(within: Directory, released: Path) -> None:
    referred = FEW["incident.referred"]
    left: dict[AgencyType, Fields] = {
        kind: seen for kind, seen in referred.ceiling.agencies.items() if kind is not AgencyType.POLICE_FORCE
    }
    catalogue = {**FEW, referred.name: replace(referred, ceiling=Ceiling(left, referred.ceiling.roles))}

    (found,) = findings(within, catalogue, released)

    assert found.words == (
        "! incident.referred.v1 (outbound): the whole of it is kept from every police_force from now on:"
        " Northshire Police read it"
    )


@pytest.mark.parametrize(("major", "place"), [(1, "minors[1]"), (2, "minor")])
def test_an_addition_is_released_under_a_number_of_its_own(
    within: Directory, released: Path, major: int, place: str
) -> None:
    """Also to an earlier version, which shares parts with today's."""
    name = f"notification.amended.v{major}"
    frozen = json.loads((released / "read" / f"{name}.json").read_text())
    data = frozen["properties"]["data"]["$ref"].rpartition("/")[2]
    _without(released, f"read/{name}.json", "$defs", data, "properties", "content")

    (part,) = unraised(released, FEW)

    assert str(part) == f"{name} (read)"
    assert next_minor(part) == f"raise `{place}` in the catalogue by one"
    amended = FEW["notification.amended"]
    raised = replace(amended, minor=amended.minor + 1, minors={1: amended.minor_of(1) + 1})
    assert [*unraised(released, {**FEW, raised.name: raised})] == []
    said = [finding.words for finding in findings(within, {**FEW, raised.name: raised}, released)]
    assert f"! {part}: a minor change; it passes. It has a number of its own" in said


def test_todays_contracts_are_what_they_were_frozen_as(within: Directory, released: Path) -> None:
    assert list(findings(within, FEW, released)) == []


def test_todays_contracts_hurt_no_agency_of_the_demo() -> None:
    assert [finding.words for finding in findings(directory()) if finding.fails] == []
