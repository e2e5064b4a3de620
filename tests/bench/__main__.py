"""`make bench`: measures the promises against references, writes `results.json`, and says what was not kept.

Exit status 0 once everything was measured, whether or not it was kept; 1 where something could not be measured.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.ground import Ground, conditions, ground
from tests.bench.profiling import FOLDER
from tests.bench.rows import (
    access,
    apply,
    backlog,
    chronology,
    deadlines,
    feed,
    intake,
    latency,
    rebuild,
    relay,
    review,
    standing,
)
from tests.bench.verdicts import Row, missed, shown, verdict, warning

RESULTS = Path(__file__).with_name("results.json")
PARTIAL_RESULTS = Path(".state/bench.json")
"""Of a run that was quick, or not of everything."""

Measure = Callable[[Ground], Iterator[Row]]
# In this order, since what intake leaves for the others to do would take them longer than all else together.
PARTS: dict[str, Measure] = {
    "latency": latency.measure,
    "feed": feed.measure,
    "apply": apply.measure,
    "backlog": backlog.measure,
    "review": review.measure,
    "intake": intake.measure,
    "relay": relay.measure,
    "rebuild": rebuild.measure,
    "deadlines": deadlines.measure,
}


ALONE: dict[str, Callable[[bool], Iterator[Row]]] = {
    "standing": lambda quick: standing.measure(standing.home_for(os.getpid()), quick=quick),
    "access": lambda quick: access.measure(quick=quick),
    "chronology": lambda quick: chronology.measure(quick=quick),
}
"""What needs no stack, or one of its own."""


def main() -> int:
    """Measures what was asked for."""
    told = _arguments()
    console = Console(soft_wrap=True, highlight=False)
    began = time.monotonic()
    busy = warning(os.getloadavg()[1], os.cpu_count() or 1)
    machine = conditions() | {"warning": busy}

    def say(line: str) -> None:
        console.print(f"{time.monotonic() - began:6.0f} s  {line}", markup=False)

    def keep(rows: list[Row], faults: list[str]) -> None:
        machine["load average at the end"] = [round(each, 2) for each in os.getloadavg()]
        _write(told, rows, faults, machine, time.monotonic() - began)

    rows, faults = _measured(told, say, keep)
    console.print(_table(rows))
    if busy:
        console.print(f"BUSY  {busy}", markup=False)
    for sentence in missed(rows):
        console.print(f"MISSED  {sentence}", markup=False)
    if any(row.met is False for row in rows):
        console.print(
            f"The profiles that explain what was missed are in {FOLDER.relative_to(Path.cwd())}/", markup=False
        )
    for fault in faults:
        console.print(f"NOT MEASURED  {fault}", markup=False)
    return 1 if faults else 0


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    asked.add_argument("--quick", action="store_true", help="minutes instead of a quarter of an hour; rougher")
    asked.add_argument("--only", nargs="+", choices=[*ALONE, *PARTS], help="these parts alone")
    return asked.parse_args()


def _measured(
    told: argparse.Namespace, say: Callable[[str], None], keep: Callable[[list[Row], list[str]], None]
) -> tuple[list[Row], list[str]]:
    """Every row, and what could not be measured. `keep` is called after each part, so that no stop loses them."""
    rows: list[Row] = []
    faults: list[str] = []

    def part(name: str, measured: Iterator[Row]) -> None:
        say(name)
        try:
            for row in measured:
                rows.append(row)
                say(f"  {row.name}: {shown(row.ours, row.unit)}, ratio {shown(row.ratio)}: {verdict(row.met)}")
        except Exception as fault:  # whatever it is, the other parts can still be measured
            faults.append(f"{name}: {type(fault).__name__}: {fault}")
            say(f"  not measured: {faults[-1]}")
        keep(rows, faults)

    wanted = told.only or [*ALONE, *PARTS]
    for name in (name for name in ALONE if name in wanted):
        part(name, ALONE[name](told.quick))
    if any(name in PARTS for name in wanted):
        say("starting the stack that is measured")
        with ground(say, quick=told.quick) as here:
            for name in (name for name in PARTS if name in wanted):
                part(name, PARTS[name](here))
    return rows, faults


def _write(
    told: argparse.Namespace, rows: list[Row], faults: list[str], machine: dict[str, object], seconds: float
) -> None:
    file = RESULTS if not told.quick and not told.only else PARTIAL_RESULTS
    file.parent.mkdir(exist_ok=True)
    whole = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "seconds": round(seconds),
        "quick": told.quick,
        "rows": [row.to_json() for row in rows],
        "notMeasured": faults,
    }
    file.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading, side in (("what", "left"), ("ours", "right"), ("reference", "right"), ("ratio", "right")):
        table.add_column(heading, justify="right" if side == "right" else "left")
    table.add_column("", justify="left")
    table.add_column("promise")
    for row in rows:
        ours, reference = shown(row.ours, row.unit), shown(row.reference, row.unit if row.reference else "")
        table.add_row(row.name, ours, reference, shown(row.ratio), verdict(row.met), row.promise.words)
    return table


if __name__ == "__main__":
    sys.exit(main())
