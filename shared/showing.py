"""A fact as somebody is shown it, and the words put in the places of its references. Pure."""

from collections.abc import Mapping
from typing import Any

from contracts.addresses import address_free, without_addresses
from contracts.ceilings import Fields
from contracts.envelope import AnyEvent
from contracts.sealing import is_reference, marked
from shared.vault_client import Shown

_ONES_OWN = frozenset(
    {"actor", "actorrole", "reasonref", "traceparent", "submission", "causationid", "correlationid", "incidentref"}
)
"""Of an envelope, what the agency alone is shown whose act it was."""


def fact_shown(fact: AnyEvent, seen: Fields, agency: str, *, addresses: bool = True) -> dict[str, Any]:
    """A fact with the fields that are seen of it; without `addresses`, without words that could hold one."""
    whole = fact.model_dump(mode="json", by_alias=True, exclude_none=True)
    if fact.agency != agency:
        whole = {name: value for name, value in whole.items() if name not in _ONES_OWN}
    data = {name: value for name, value in whole["data"].items() if name in seen}
    return whole | {"data": data if addresses else without_addresses(type(fact.data), data)}


def references_in(fact: AnyEvent, shown: Mapping[str, Any]) -> list[str]:
    """The references to words in a fact as it is shown; a document is no words, and is fetched by itself."""
    return list(dict.fromkeys(value for _, value in marked(type(fact.data), shown["data"]) if is_reference(value)))


def filled(value: Any, shown: Mapping[str, Any]) -> Any:
    """What is shown with each reference replaced by what the vault shows of it."""
    if isinstance(value, Mapping):
        return {name: filled(each, shown) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, shown) for each in value]
    return shown.get(value, value) if isinstance(value, str) else value


def opened(words: Mapping[str, Shown], *, addresses: bool = True) -> Mapping[str, Any]:
    """What the vault shows, by reference: the value, or why there is none."""
    found: dict[str, Any] = {
        ref: each.value if each.status == "present" else {"reference": ref, "status": each.status}
        for ref, each in words.items()
    }
    return found if addresses else {ref: address_free(value) for ref, value in found.items()}
