"""Compares what each agency saw of the second act's incident with what was expected, which was written by hand."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.demo.checker import BadExpectation, Difference
from infra.demo.player import Played

ACT = "exchange"
_ABOUT = {"rests_on", "agencies"}
_AGENCY = {"kind", "incident", "notification", "sees", "saw_at_first"}


def read_act(folder: Path) -> dict[str, Any]:
    """What is expected of each agency. Raises BadExpectation, for a key that nothing is checked by as well."""
    path = folder / "acts" / f"{ACT}.toml"
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise BadExpectation(f"{path.name}: {fault}") from None
    unknown = [*told.keys() - _ABOUT, *(key for each in told["agencies"].values() for key in each.keys() - _AGENCY)]
    if unknown:
        raise BadExpectation(f"{path.name}: nothing is checked by the key {unknown[0]}")
    agencies: dict[str, Any] = told["agencies"]
    return agencies


def refused(played: Played) -> list[Difference]:
    """The act's messages that were not accepted; every one of them is expected to be."""
    wrong = []
    for step in played.scenario.steps:
        sent = played.sent[step.name]
        if sent.status != "accepted":
            faults = [f"{fault['pointer']} {fault['rule']}" for fault in (sent.receipt or {}).get("faults", ())]
            wrong.append(Difference(ACT, f"receipt of {step.name}", "accepted", "; ".join((sent.status, *faults))))
    return wrong


def act_differences(expected: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> list[Difference]:
    """Everything in which the act came out otherwise than expected; none if it came out so."""
    wrong = []
    for agency in sorted(expected.keys() | found.keys()):
        if agency not in expected or agency not in found:
            wrong.append(Difference(ACT, "agencies", sorted(expected), sorted(found)))
            continue
        wanted, got = expected[agency], found[agency]
        for key in ("kind", "incident", "notification"):
            wrong += [Difference(ACT, f"{agency}, {key}", wanted[key], got[key])] if wanted[key] != got[key] else []
        for key in ("sees", "saw_at_first"):
            wrong += _sights(f"{agency} {key.replace('_', ' ')}", wanted.get(key), got[key])
        wrong += [Difference(ACT, agency, "no fault", fault) for fault in got["faults"]]
    return wrong


def _sights(who: str, wanted: Mapping[str, str] | None, got: Mapping[str, str]) -> list[Difference]:
    """A sight that is not spoken of is not compared; one that is, type by type, whichever of the two has it."""
    if wanted is None:
        return []
    names = [name for name in sorted(wanted.keys() | got.keys()) if wanted.get(name) != got.get(name)]
    return [Difference(ACT, f"{who} of {name}", wanted.get(name), got.get(name)) for name in names]
