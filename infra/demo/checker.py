"""Compares what became of the scenarios with what was expected. The only place that reads the expectations.

They are written by hand from the domain's rules; `README.md` beside them says what each key means.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXPECTATIONS = Path(__file__).resolve().parents[2] / "tests" / "end_to_end" / "expectations"

_TOLD = "T02"
"""The rule with a clock for each who is told: an expectation speaks of it once, and names them in `partners_told`."""

_OF_OTHERS = {"subject.likeness-noticed.v1"}
"""Whether a child is like another is a matter of what else was played."""

_ABOUT = {"rests_on", "receipts", "incidents", "calendar"}
_RECEIPT = {"status", "http", "faults", "allowed", "marks", "waited", "same_as"}
_INCIDENT = {
    *("status", "linked_to", "notification", "grounds", "recipients", "rapid_review", "without_approval"),
    *("acknowledged_by", "partners_told", "clocks", "published"),
}
_CLOCK = {
    *("state", "day0", "due", "not_counted", "late_from", "met_at", "working_days_late", "awaiting_reason"),
    *("awaited_reason", "judged_again", "was_missed", "warned_on", "recomputed_because", "because"),
}


class BadExpectation(ValueError):
    """An expectation's file cannot be used; says which and why."""


@dataclass(frozen=True)
class Difference:
    """One thing that is otherwise than expected."""

    scenario: str
    what: str
    expected: Any
    found: Any

    def sentence(self) -> str:
        """For people."""
        return f"{self.scenario}: {self.what}: expected {_plain(self.expected)}, found {_plain(self.found)}"


def read_expectations(folder: Path = EXPECTATIONS) -> dict[str, dict[str, Any]]:
    """The expectations by scenario. Raises BadExpectation, for a key that nothing is checked by as well."""
    found = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            expected = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as fault:
            raise BadExpectation(f"{path.name}: {fault}") from None
        for key in _unknown(expected):
            raise BadExpectation(f"{path.name}: nothing is checked by the key {key}")
        found[path.stem.partition("-")[2]] = expected
    return found


def differences(scenario: str, expected: Mapping[str, Any] | None, found: Mapping[str, Any]) -> list[Difference]:
    """Everything in which a scenario came out otherwise than expected; none if it came out so."""
    if expected is None:
        return [Difference(scenario, "the whole", "an expectation", "none was written")]
    calendar = expected.get("calendar", {})
    compared = (
        *_receipts(expected.get("receipts", {}), found["receipts"]),
        *_incidents(expected.get("incidents", {}), found["incidents"]),
        # Days off are everybody's: what stands there besides came of other scenarios.
        *_published("", calendar, {topic: found["calendar"].get(topic, ()) for topic in calendar}),
        *_values("", {"words on topics": []}, {"words on topics": found["in_the_open"]}),
    )
    return [Difference(scenario, what, wanted, got) for what, wanted, got in compared]


Compared = Iterator[tuple[str, Any, Any]]


def _receipts(expected: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> Compared:
    """A step that is not named is expected to be accepted."""
    yield from _names("steps", expected, found, all_named=False)
    for step, receipt in found.items():
        wanted = expected.get(step, {"status": "accepted"})
        some = dict(wanted)
        allowed = set(some.pop("allowed", ()))
        yield from _values(f"receipt of {step}, ", some, receipt)
        if not allowed <= set(receipt["allowed"]):
            yield f"receipt of {step}, allowed", sorted(allowed), receipt["allowed"]


def _incidents(expected: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> Compared:
    yield from _names("incidents", expected, found)
    for referral in expected.keys() & found.keys():
        wanted, got = dict(expected[referral]), found[referral]
        at = "" if len(expected) == 1 else f"{referral}, "
        clocks = _each_told(wanted.pop("clocks", {}), wanted.pop("partners_told", ()))
        yield from _published(at, wanted.pop("published", {}), got["published"])
        yield from _values(at, wanted, got)
        yield from _names(f"{at}clocks", clocks, got["clocks"])
        for key in clocks.keys() & got["clocks"].keys():
            yield from _values(f"{at}{key} ", clocks[key], got["clocks"][key])


def _each_told(clocks: Mapping[str, Any], told: Iterable[str]) -> dict[str, Any]:
    spread = {f"{_TOLD}:{who}": clocks.get(_TOLD, {}) for who in told}
    return {key: clock for key, clock in clocks.items() if key != _TOLD} | spread


def _published(at: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Compared:
    """Each once, on every topic. A type without a version is expected in version 1."""
    for topic in sorted(expected.keys() | found.keys()):
        wanted = sorted(
            name if name.rpartition(".v")[2].isdigit() else f"{name}.v1" for name in expected.get(topic, ())
        )
        got = sorted(name for name in found.get(topic, ()) if name not in _OF_OTHERS)
        if wanted != got:
            yield f"{at}types on {topic}", wanted, got


def _values(at: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Compared:
    for name, wanted in expected.items():
        got = found.get(name)
        same = sorted(wanted) == sorted(got or ()) if isinstance(wanted, list) else wanted == got
        if not same:
            yield f"{at}{name}", wanted, got


def _names(what: str, expected: Iterable[str], found: Iterable[str], *, all_named: bool = True) -> Compared:
    wanted, got = set(expected), set(found)
    if not (wanted == got if all_named else wanted <= got):
        yield what, sorted(wanted), sorted(got)


def _unknown(expected: Mapping[str, Any]) -> Iterator[str]:
    yield from expected.keys() - _ABOUT
    for receipt in expected.get("receipts", {}).values():
        yield from receipt.keys() - _RECEIPT
    for incident in expected.get("incidents", {}).values():
        yield from incident.keys() - _INCIDENT
        for clock in incident.get("clocks", {}).values():
            yield from clock.keys() - _CLOCK


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "nothing"
    return "nothing" if value is None else str(value)
