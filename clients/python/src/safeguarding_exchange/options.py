"""Options that many commands share."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from safeguarding_exchange.exchange import Exchange
from safeguarding_exchange.sessions import Sessions

As = Annotated[str | None, typer.Option("--as", help="The account to act as; by default the last one signed in.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for programs.")]
Incident = Annotated[str, typer.Argument(help="The incident's id, incident-…")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in words. Sealed for the vault.")]
Partnership = Annotated[str | None, typer.Option(help="Needed only by accounts of several partnerships.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A JSON file.")]


def exchange(account: str | None) -> Exchange:
    """The gateway, asked as this account."""
    sessions = Sessions()
    return Exchange(sessions.get(account), sessions)


def instant(text: str) -> str:
    """A moment with its offset from UTC, as events want it. Raises a plain refusal for one without."""
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise typer.BadParameter("give a moment with its offset from UTC, such as 2026-08-28T00:10+01:00")
    return at.isoformat()


Instant = Annotated[str, typer.Option(callback=instant, help="Such as 2026-08-28T00:10+01:00.")]
