"""Free text on a command line, as it is typed or out of a file as `@file`; and the data of an event from options."""

from datetime import date
from pathlib import Path
from typing import Any

import typer

from safeguarding_exchange.options import instant

FROM_FILE = "@"


def words(text: str | None) -> str | None:
    """The text itself; what stands in a file for `@file`. Raises a plain refusal for a file that cannot be read."""
    if not text or not text.startswith(FROM_FILE):
        return text
    path = Path(text.removeprefix(FROM_FILE))
    if not path.is_file():
        raise typer.BadParameter(f"there is no file {path}: @ names a file that holds the words")
    try:
        found = path.read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError):
        raise typer.BadParameter(f"{path} cannot be read as text (UTF-8)") from None
    if not found:
        raise typer.BadParameter(f"{path} is empty")
    return found


def said(**data: Any) -> dict[str, Any]:
    """An event's data: its members as they travel, and nothing for what was not given."""
    return {_wire(name): value for name, value in data.items() if value is not None}


def _wire(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part.title() for part in rest)


def in_words(help_: str) -> Any:
    """An option for free text."""
    return typer.Option(callback=words, help=f"{help_} In words or @file; sealed for the vault.")


def date_of(text: str | None) -> str | None:
    """A date as events want it. Raises a plain refusal for anything else."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise typer.BadParameter("give a date such as 2026-08-28") from None


def period(first: str, last: str) -> dict[str, str]:
    """The days of a period, as events have them. Raises a plain refusal where it ends before it begins."""
    if last < first:
        raise typer.BadParameter(f"the period ends before it begins: --from {first}, --to {last}")
    return {"scope_from": first, "scope_to": last}


def on_day(help_: str, *names: str) -> Any:
    """An option for a date."""
    return typer.Option(*names, callback=date_of, help=f"{help_} Such as 2026-08-28.")


def at_instant(help_: str, *names: str) -> Any:
    """An option for a moment that may be left out."""
    return typer.Option(
        *names, callback=lambda text: text and instant(text), help=f"{help_} Such as 2026-08-28T00:10+01:00."
    )
