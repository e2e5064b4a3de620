"""The scenarios as agencies and people play them: files under `contracts/examples/scenarios`."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

SCENARIOS = Path(__file__).resolve().parents[2] / "contracts" / "examples" / "scenarios"
INCIDENT = re.compile(r"\{\{incident(?::([a-z0-9-]+))?\}\}")
"""`{{incident}}` is the id that the gateway gave to the scenario's first referral; `{{incident:<step>}}` to another."""

OTHERS = re.compile(r"\{\{((?:subject|request|document):[a-z0-9-]+)\}\}")
"""What an act looks up where the exchange gave it: a child, a request by whom it asks, a document that was filed."""


class BadScenario(ValueError):
    """A scenario's file cannot be played; says which and why."""


@dataclass(frozen=True)
class Step:
    """One message: at a business instant, by an agency's system or a person's account, through one of the ways in.

    It is an `event`, or, where what is sent is no event at all, its `raw` text. `topic` is given only where somebody
    writes to a topic other than its own.
    """

    scenario: str
    name: str
    at: datetime
    by: str
    via: str
    what: str
    event: Mapping[str, Any] | None = None
    raw: str | None = None
    topic: str | None = None

    @property
    def refers(self) -> bool:
        """Whether it refers an incident, and so gets an id for it if it is accepted."""
        return self.event is not None and str(self.event.get("type")).startswith("incident.referred.")


@dataclass(frozen=True)
class Scenario:
    """A story with its steps in order. `number` is that of its file."""

    number: int
    name: str
    title: str
    about: str
    steps: tuple[Step, ...]


def read_scenarios(folder: Path = SCENARIOS) -> list[Scenario]:
    """Every scenario of a folder, in the order of their numbers. Raises BadScenario."""
    found = [_read(path) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise BadScenario(f"there are no scenarios in {folder}")
    names = [scenario.name for scenario in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadScenario(f"scenarios of the same name: {', '.join(twice)}")
    return found


def in_order(scenarios: Iterable[Scenario]) -> list[Step]:
    """The steps of all scenarios as they follow each other in business time."""
    return sorted((step for scenario in scenarios for step in scenario.steps), key=lambda step: step.at)


def filled(
    event: Mapping[str, Any], incidents: Mapping[str, str], look_up: Callable[[str], str] | None = None
) -> dict[str, Any]:
    """The event with each placeholder replaced; `incidents` are the ids by referral, the first one first.

    Raises BadScenario for a referral that got no id, and whatever else `look_up` does not find.
    """

    def name(found: re.Match[str]) -> str:
        referral = found[1] or next(iter(incidents), "")
        if referral not in incidents:
            raise BadScenario(f"{event.get('id')} speaks of an incident that was not accepted ({found[0]})")
        return incidents[referral]

    def other(found: re.Match[str]) -> str:
        if look_up is None:
            raise BadScenario(f"{event.get('id')} speaks of what nobody looks up ({found[0]})")
        return look_up(found[1])

    result: dict[str, Any] = json.loads(OTHERS.sub(other, INCIDENT.sub(name, json.dumps(event))))
    return result


def _read(path: Path) -> Scenario:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        name = told["scenario"]
        steps = tuple(_step(name, entry) for entry in told["steps"])
        scenario = Scenario(int(path.name.partition("-")[0]), name, told["title"], told["about"], steps)
    except (ValueError, KeyError, TypeError) as fault:
        raise BadScenario(f"{path.name}: {type(fault).__name__}: {fault}") from None
    if path.stem.partition("-")[2] != name:
        raise BadScenario(f"{path.name} holds the scenario {name}: name both alike")
    if faults := list(_faults(scenario)):
        raise BadScenario(f"{path.name}: {'; '.join(faults)}")
    return scenario


def _step(scenario: str, entry: Mapping[str, Any]) -> Step:
    at = datetime.fromisoformat(entry["at"])
    if at.utcoffset() is None:
        raise ValueError(f"step {entry['step']}: give `at` with its offset from UTC")
    more = {name: entry.get(name) for name in ("event", "raw", "topic")}
    return Step(scenario, entry["step"], at, entry["by"], entry["via"], entry["what"], **more)


def _faults(scenario: Scenario) -> Iterator[str]:
    referrals: list[str] = []
    before: datetime | None = None
    for step in scenario.steps:
        if step.name in {other.name for other in scenario.steps if other is not step}:
            yield f"two steps are called {step.name}"
        if step.via not in ("https", "kafka"):
            yield f"step {step.name}: the ways in are https and kafka"
        if (step.event is None) == (step.raw is None):
            yield f"step {step.name}: give either an event or a raw text"
        if before is not None and step.at < before:
            yield f"step {step.name} lies before the one above it"
        for named in INCIDENT.findall(json.dumps(step.event)):
            if (named and named not in referrals) or not referrals:
                yield f"step {step.name} speaks of an incident that nobody has referred yet"
        before = step.at
        referrals += [step.name] if step.refers else []
