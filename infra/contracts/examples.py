"""The worked examples: those written by hand, and what is made of them for whoever reads."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.catalogue import parse
from contracts.sealing import replace_words

HOME = Path("contracts") / "examples"
PROPOSALS = HOME / "proposals"
OWNERS = HOME / "owners"
"""Facts of types that nobody proposes, as their owners say them."""

FACTS = HOME / "facts"

Example = dict[str, Any]


def proposals(name: str = "*") -> Iterator[tuple[Path, Example]]:
    """Each example of a proposal, all versions; of one type, if named."""
    yield from _written(PROPOSALS, name)


def facts(name: str = "*") -> Iterator[tuple[Path, Example]]:
    """Each example of a fact, with the path at which it is to lie."""
    for path, proposal in _written(PROPOSALS, name):
        yield FACTS / path.name, as_taken(proposal)
    for path, fact in _written(OWNERS, name):
        yield FACTS / path.name, fact


def as_taken(proposal: Mapping[str, Any]) -> Example:
    """The example as it travels once taken in: the words sealed, references in their places, numbered from 1."""
    event = parse(proposal)
    count = iter(range(1, 1000))
    data = replace_words(type(event.data), event.data.model_dump(mode="json"), lambda *_: f"vault:{next(count):032x}")
    taken: Example = json.loads(event.to_json())
    return taken | {"data": _without_nulls(data)}


def _written(folder: Path, name: str) -> Iterator[tuple[Path, Example]]:
    for path in sorted(folder.glob(f"{name}.v*.json")):
        yield path, json.loads(path.read_text(encoding="utf-8"))


def _without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_nulls(value) for key, value in node.items() if value is not None}
    return [_without_nulls(item) for item in node] if isinstance(node, list) else node
