"""What people see: tables, reckonings and plain sentences; what programs see: one JSON document."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

LONDON = ZoneInfo("Europe/London")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


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
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(made)


def clock(told: dict[str, Any]) -> None:
    """One clock with its reckoning, each day that did not count named."""
    firm = " (provisional)" if told.get("provisional") else ""
    whom = f" for {told['recipient']}" if told.get("recipient") else ""
    console.print(f"[bold]{told['rule']}{whom}[/bold]: {_state(told)}{firm}")
    reckoned = told.get("reckoned")
    if not reckoned:
        console.print("  the due day is not known: no calendar covers its dates")
        return
    count = reckoned["workingDays"]
    console.print(
        f"  day 0 is {day(reckoned['day0'])}; {count} working day{'' if count == 1 else 's'}; "
        f"due by the end of [bold]{day(reckoned['due'])}[/bold]"
    )
    for off in reckoned.get("notCounted", []):
        console.print(f"  {day(off['day'])} does not count: {off['why']}")


def _state(told: dict[str, Any]) -> str:
    state = str(told.get("state") or "running").replace("_", " ")
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
        errors.print(f"  {fault.get('pointer') or '/'}: {fault.get('detail', fault.get('rule'))}{hint}")


def problem(title: str, told: dict[str, Any]) -> None:
    """What could not be done, and the remedy."""
    errors.print(f"[bold red]{title}[/bold red]")
    if told.get("detail"):
        errors.print(f"  {told['detail']}")
    faults(told.get("errors", []))
