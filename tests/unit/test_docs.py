"""What the documents say can be followed: their links lead somewhere, and the commands in them exist."""

import re
from pathlib import Path

import pytest
import typer
from safeguarding_exchange.command import app

ROOT = Path(__file__).parents[2]
PLACES = ("*.md", "docs/**/*.md", "contracts/**/*.md", "clients/**/*.md", "[is]*/*/README.md")
DOCUMENTS = sorted(document for place in PLACES for document in ROOT.glob(place))
MADE_LATER = {"../tests/bench/results.json"}
"""What a document may point to though a fresh checkout does not have it: `make bench` writes it."""

LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
SX = re.compile(r"(?:^\s{4}|`|bin/)sx ([a-z][a-z-]+)(?: ([a-z][a-z-]*)(?![\w./]))?", re.MULTILINE)
MAKE = re.compile(r"(?:^\s{4}|`)(?:\w+=\w+ )?make ([a-z][a-z-]+)", re.MULTILINE)


def _named(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_every_link_leads_to_a_file(document: Path) -> None:
    gone = {to for to in LINK.findall(document.read_text()) if not (document.parent / to).exists()}
    assert gone <= MADE_LATER


def _commands() -> dict[str, set[str]]:
    """Each command of `sx`, with the second words that it has; none where it is no group."""
    top = typer.main.get_command(app)
    return {name: set(getattr(one, "commands", ())) for name, one in top.commands.items()}  # type: ignore[attr-defined]


def _unknown(text: str) -> set[str]:
    """The commands in a text that `sx` does not have."""
    known = _commands()
    named = {(name, more) for name, more in SX.findall(text)}
    return {f"{name} {more}".strip() for name, more in named if _wrong(known.get(name), more)}


def _wrong(seconds: set[str] | None, more: str) -> bool:
    return seconds is None or bool(seconds and more and more not in seconds)


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_every_sx_command_that_is_named_exists(document: Path) -> None:
    assert _unknown(document.read_text()) == set()


@pytest.mark.parametrize("line", ["sx refuse", "sx retention overdue", "sx agencies list-all", "sx day removed"])
def test_a_command_that_there_is_not_would_be_found(line: str) -> None:
    assert _unknown(f"    {line} --as operator") == {line.removeprefix("sx ")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE.findall(document.read_text())) <= targets


def test_no_document_leans_on_one_that_is_not_here() -> None:
    for document in DOCUMENTS:
        assert not re.search(r"\bDESIGN\b|\bSTYLE\b|\bPEERS\b", document.read_text()), _named(document)
