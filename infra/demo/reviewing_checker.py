"""Compares the third act with what was expected of it, which was written by hand from the domain's rules."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.demo.checker import BadExpectation, Difference

ACT = "rapid_review"
_ABOUT = "rests_on"
_PARTS = {
    *("receipts", "review", "requests", "clocks", "judged", "warned", "chased", "practice", "scans", "feeds"),
    _ABOUT,
}
_USUAL = {"status": "accepted", "faults": []}
"""Of a step that is not named."""


def read_rapid_review_expected(folder: Path) -> dict[str, Any]:
    """What is expected. Raises BadExpectation, for a part that nothing is checked by as well."""
    path = folder / "acts" / f"{ACT}.toml"
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise BadExpectation(f"{path.name}: {fault}") from None
    for part in told.keys() ^ _PARTS:
        raise BadExpectation(f"{path.name}: nothing is checked by {part}, or nothing is said of it")
    return {part: said for part, said in told.items() if part != _ABOUT}


def review_differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Difference]:
    """Everything in which the act came out otherwise than expected; none if it came out so."""
    some, steps = expected["receipts"], found["receipts"]
    wanted = {step: some.get(step, _USUAL) for step in {*steps, *some}}
    compared = [*_compared("receipt of", wanted, steps)]
    compared += [
        each for part in expected.keys() - {"receipts"} for each in _compared(part, expected[part], found[part])
    ]
    compared += [("words on topics", [], found["in_the_open"])] if found["in_the_open"] else []
    return [Difference(ACT, what, wanted_, got) for what, wanted_, got in sorted(compared, key=lambda each: each[0])]


def _compared(what: str, wanted: Any, got: Any) -> Iterator[tuple[str, Any, Any]]:
    """A table is compared by its keys, a list whatever its order; a receipt may say more than was expected of it."""
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        more = got.keys() - wanted.keys() if not what.startswith("receipt of") else set()
        for key in sorted(wanted.keys() | more):
            yield from _compared(f"{what} {key}", wanted.get(key), got.get(key))
    elif isinstance(wanted, list) and isinstance(got, list):
        if sorted(map(_plain, wanted)) != sorted(map(_plain, got)):
            yield what, [*map(_plain, wanted)], [*map(_plain, got)]
    elif wanted != got:
        yield what, wanted, got


def _plain(one: Any) -> str:
    """An entry of a list; of a table what can be expected of it, in a fixed order."""
    if not isinstance(one, Mapping):
        return str(one)
    return ", ".join(f"{key} {_listed(value)}" for key, value in sorted(one.items()) if key != "off")


def _listed(value: Any) -> str:
    return " ".join(sorted(map(str, value))) if isinstance(value, list) else str(value)
