"""What an alleged perpetrator's side is never shown: where somebody is, and words that could say so."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from contracts.sealing import marks

WITHHELD = frozenset({"place", "narrative", "document", "entry"})
"""Free text and documents among them: nobody can promise that they hold no address."""


def without_addresses(model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """Wire-form data without every marked value that is, or could hold, an address."""
    kept: Any = dict(data)
    for mark in marks(model):
        if mark.sealed.kind in WITHHELD:
            kept = _dropped(kept, mark.path)
    return kept  # type: ignore[no-any-return]


def address_free(shown: Any) -> Any:
    """An identity as the vault shows it, without its address; anything else as it is."""
    return {name: value for name, value in shown.items() if name != "address"} if isinstance(shown, Mapping) else shown


def _dropped(node: Any, path: Sequence[str]) -> Any:
    step, rest = path[0], path[1:]
    if step == "*":
        items = node if isinstance(node, list) else []
        return [_dropped(item, rest) for item in items] if rest else []
    if not isinstance(node, Mapping) or step not in node:
        return node
    if not rest:
        return {name: value for name, value in node.items() if name != step}
    return {**node, step: _dropped(node[step], rest)}
