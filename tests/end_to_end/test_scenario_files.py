"""The scenarios are whole, speak of nobody, and each has its expectation."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import UnknownType, version
from contracts.sealing import replace_words
from infra.demo.checker import read_expectations
from infra.demo.scenarios import SCENARIOS, BadScenario, Scenario, filled, in_order, read_scenarios

NOBODY = re.compile(r"^(Child [A-E]|Mother of an unborn child)$")
OFFICES = {
    *("Public protection duty desk", "Safeguarding team", "Safeguarding office", "Registered manager's office"),
    *("Multi-agency safeguarding hub", "Duty notifier"),
}


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    return read_scenarios()


def test_there_are_enough_of_them_and_each_has_its_expectation(scenarios: list[Scenario]) -> None:
    assert len(scenarios) >= 24
    assert {scenario.name for scenario in scenarios} == set(read_expectations())


def test_an_expectation_speaks_only_of_steps_that_there_are(scenarios: list[Scenario]) -> None:
    expected = read_expectations()
    for scenario in scenarios:
        steps = {step.name for step in scenario.steps}
        referrals = {step.name for step in scenario.steps if step.refers}
        assert set(expected[scenario.name].get("receipts", {})) <= steps, scenario.name
        assert set(expected[scenario.name].get("incidents", {})) <= referrals, scenario.name


def test_they_are_played_in_the_order_of_business_time(scenarios: list[Scenario]) -> None:
    steps = in_order(scenarios)

    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert len(steps) == sum(len(scenario.steps) for scenario in scenarios)


def test_both_ways_in_are_used(scenarios: list[Scenario]) -> None:
    assert {step.via for step in in_order(scenarios)} == {"https", "kafka"}


def test_nobody_is_invented_in_them(scenarios: list[Scenario]) -> None:
    for name in {name for scenario in scenarios for name in _names(scenario)}:
        assert NOBODY.match(name) or name in OFFICES, name


def test_a_placeholder_stands_for_the_incident_of_its_referral() -> None:
    event = {"subject": "{{incident}}", "data": {"twin": "{{incident:second}}"}}

    assert filled(event, {"first": "incident-1", "second": "incident-2"}) == {
        "subject": "incident-1",
        "data": {"twin": "incident-2"},
    }
    with pytest.raises(BadScenario, match="was not accepted"):
        filled(event, {})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda told: told["steps"][0].update(via="post"), "ways in"),
        (lambda told: told["steps"][0].update(raw="text"), "either an event or a raw text"),
        (lambda told: told["steps"][1].update(step="referral"), "two steps are called referral"),
        (lambda told: told["steps"][0].update(at="2030-01-01T00:00:00Z"), "lies before the one above it"),
        (lambda told: told["steps"].pop(0), "nobody has referred yet"),
        (lambda told: told["steps"][0].update(at="2026-08-28T00:10:00"), "offset from UTC"),
        (lambda told: told.pop("title"), "title"),
    ],
)
def test_a_scenario_that_cannot_be_played_is_refused(change: Any, why: str, tmp_path: Path) -> None:
    (path,) = SCENARIOS.glob("*-after-midnight.json")
    told = json.loads(path.read_text())
    change(told)
    (tmp_path / path.name).write_text(json.dumps(told))

    with pytest.raises(BadScenario, match=why):
        read_scenarios(tmp_path)


def _names(scenario: Scenario) -> Iterator[str]:
    found: list[str] = []

    def note(_place: Any, _sealed: Any, value: Any) -> str:
        found.extend([value["name"]] if isinstance(value, dict) else [])
        return ""

    for step in scenario.steps:
        if step.event is not None:
            try:
                entry, major, _ = version(str(step.event["type"]))
            except UnknownType:
                continue
            replace_words(dict(entry.versions())[major], step.event["data"], note)
    yield from found
