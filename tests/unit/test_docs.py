"""What the documents say can be followed: their links lead somewhere, and the commands in them exist."""

import re
from collections.abc import Iterator
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
SX = re.compile(r"(?:^\s{4}|`|bin/)sx ([a-z][a-z-]+)(?: ([a-z]+))?", re.MULTILINE)
MAKE = re.compile(r"(?:^\s{4}|`)(?:\w+=\w+ )?make ([a-z][a-z-]+)", re.MULTILINE)


def _named(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_every_link_leads_to_a_file(document: Path) -> None:
    gone = {to for to in LINK.findall(document.read_text()) if not (document.parent / to).exists()}
    assert gone <= MADE_LATER


def _commands() -> Iterator[str]:
    top = typer.main.get_command(app)
    for name, command in top.commands.items():  # type: ignore[attr-defined]
        yield name
        yield from (f"{name} {one}" for one in getattr(command, "commands", {}))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_every_sx_command_that_is_named_exists(document: Path) -> None:
    known = set(_commands())
    for name, more in SX.findall(document.read_text()):
        assert name in known
        assert f"{name} {more}" in known or f"{name} propose" not in known


@pytest.mark.parametrize("document", DOCUMENTS, ids=_named)
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE.findall(document.read_text())) <= targets


def test_no_document_leans_on_one_that_is_not_here() -> None:
    for document in DOCUMENTS:
        assert not re.search(r"\bDESIGN\b|\bSTYLE\b|\bPEERS\b", document.read_text()), _named(document)
