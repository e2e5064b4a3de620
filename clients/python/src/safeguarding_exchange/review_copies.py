"""Copies of reviews, written for their owner's eyes."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from safeguarding_exchange import shown
from safeguarding_exchange.exchange import Exchange

Purpose = Annotated[str, typer.Option(help="Why you look or take a copy; recorded before anything is shown.")]
Output = Annotated[Path | None, typer.Option(help="Where to write it.")]


class DocumentForm(str, Enum):
    """For people, or for programs."""

    PDF = "pdf"
    JSON = "json"


def copy(door: Exchange, path: str, name: str, output: Path | None, **asked: Any) -> None:
    """Take a copy and write it. Raises Refused."""
    answer = door.download(path, **asked)
    given = answer.headers.get("content-disposition", "").partition('filename="')[2].rstrip('"')
    to = output or Path(Path(given).name or name)
    to.touch(mode=0o600)
    to.write_bytes(answer.content)
    shown.console.print(f"Wrote {to} ({len(answer.content):,} bytes, OFFICIAL-SENSITIVE)")
