"""What people see: tables, reckonings and plain sentences; what programs see: one JSON document."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

LONDON = ZoneInfo("Europe/London")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
ID_WIDTH = len("incident-") + 32
"""An incident's id is never broken over two lines, nor a request's: they are there to be copied."""

IDS = ("incident-", "request-")


def as_json(value: Any) -> None:
    """One JSON document, and nothing else, on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def instant(text: str | None) -> str:
    """A moment as people in England read it."""
    if not text:
        return ""
    at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(LONDON)
    return f"{at:%a} {at.day} {at:%b %Y %H:%M %Z}"


def day(text: str | None) -> str:
    """A date as people read it."""
    if not text:
        return ""
    on = datetime.fromisoformat(text)
    return f"{on:%a} {on.day} {on:%b %Y}"


def table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """A table; a sentence where there is nothing to show."""
    if not rows:
        console.print(f"{title}: nothing")
        return
    # A column with ids is as wide as they are: a narrow terminal folds the others, and crops nothing.
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", show_edge=False)
    for number, column in enumerate(columns):
        with_ids = [line for row in rows for line in str(row[number]).splitlines() if any(kind in line for kind in IDS)]
        made.add_column(column, overflow="fold", width=max([ID_WIDTH, *map(len, with_ids)]) if with_ids else None)
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(made)


def listing(
    title: str, columns: list[str], items: list[Any], row: Callable[[Any], list[Any]], *, document: bool
) -> None:
    """A list: for programs as one JSON document, for people as a table with a row for each item."""
    if document:
        as_json(items)
    else:
        table(title, columns, [row(item) for item in items])


CLOCKS = {
    "T01": "notify the Panel",
    "T02": "tell the partner",
    "T03": "tell the Department and Ofsted (looked-after child)",
    "T04": "tell the Department and Ofsted (care leaver)",
    "T05": "decide on the referral",
}
"""What each clock times, in a few words; `GET /v1/rules` has the rules with their sources."""

_STATES = {"open": "running", "provisional": "running, provisional", "cancelled": "ended"}


def pairs(title: str, told: dict[str, Any]) -> None:
    """Names and what they stand for, a line each."""
    console.print(f"[bold]{title}[/bold]")
    width = max(map(len, told)) + 2
    for name, value in told.items():
        console.print(f"  {name:<{width}}{', '.join(map(str, value)) if isinstance(value, list) else value}")


def clock(told: dict[str, Any]) -> None:
    """One clock, as an incident shows it or as a receipt tells what became of it; the days that do not count named."""
    rule = str(told["rule"])
    whom = f" {told['recipient']}" if told.get("recipient") else ""
    what = f" {CLOCKS[rule]}" if rule in CLOCKS else ""
    console.print(f"[bold]{rule}[/bold]{what}{whom}: {_state(told)}")
    reckoned = told.get("reckoned")
    if not reckoned:
        if told.get("uncomputed") or told.get("state") == "uncomputed":
            console.print("  the due day is not known: no calendar covers its dates")
        elif told.get("due"):
            console.print(f"  due by the end of [bold]{day(told['due'])}[/bold]")
        return
    count = reckoned["workingDays"]
    console.print(
        f"  day 0 is {day(reckoned['day0'])}; {count} working day{'' if count == 1 else 's'}; "
        f"due by the end of [bold]{day(reckoned['due'])}[/bold]"
    )
    for off in reckoned.get("notCounted", []):
        console.print(f"  {day(off['day'])} does not count: {off['why']}")


def _state(told: dict[str, Any]) -> str:
    event = str(told.get("event") or "").partition(".")[2]
    if event == "met":
        state = "met in time" if told.get("inTime") else "met late"
    elif event == "missed":
        state = "missed"
    elif event == "cancelled":
        state = "ended, " + str(told.get("because", "")).replace("_", " ")
    else:
        state = str(told.get("state") or ("provisional" if told.get("provisional") else "open"))
        state = _STATES.get(state, state.replace("_", " "))
    late = told.get("workingDaysLate")
    days = f" by {late} working day{'' if late == 1 else 's'}" if late is not None and "late" in state else ""
    awaiting = ", awaiting the reason for the delay" if told.get("awaitingReason") else ""
    return f"{state}{days}{awaiting}"


def receipt(told: dict[str, Any]) -> None:
    """What became of what was sent."""
    console.print(f"[bold]{told['status']}[/bold]  {told['submission']}")
    if told.get("incident"):
        console.print(f"  incident {told['incident']}")
    if told.get("waitingFor"):
        console.print(f"  waits for {told['waitingFor']}")
    for mark in told.get("marks", []):
        console.print(f"  marked: {str(mark).replace('_', ' ')}")
    faults(told.get("faults", []))
    for one in told.get("deadlines", []):
        clock(one)


def faults(found: list[dict[str, Any]]) -> None:
    """Every fault: where, what, and what is allowed."""
    for fault in found:
        allowed = fault.get("allowed")
        several = ", ".join(allowed) if isinstance(allowed, list) else allowed
        hint = f" (allowed: {several})" if several else ""
        errors.print(f"  {fault.get('pointer') or '/'}: {fault.get('detail', fault.get('rule'))}{hint}", markup=False)


def problem(title: str, told: dict[str, Any]) -> None:
    """What could not be done, and the remedy."""
    errors.print(f"[bold red]{title}[/bold red]")
    if told.get("detail"):
        errors.print(f"  {told['detail']}", markup=False)
    faults(told.get("errors", []))
