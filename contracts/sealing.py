"""Which fields hold words or identities: what comes in is sealed to the vault, what goes out is a reference.

A field so marked holds the words in a proposal and a `Reference` in a fact. The marks are the one source for the
gateway's sealing, for the guard of every event log, and for the two forms of each schema.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, StringConstraints
from pydantic_core import CoreSchema

from contracts.identifiers import Reference

_REFERENCE = re.compile(r"vault:[0-9a-f]{32}")


@dataclass(frozen=True)
class Sealed:
    """The mark: under whose key the vault files it, and what kind of thing it is."""

    under: Literal["incident", "subject"]
    kind: Literal["narrative", "identity", "contact", "place", "document", "entry"]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The field's schema with the mark in it, from which the two forms of a schema are made."""
        return {**handler(core), "x-sealed": {"under": self.under, "kind": self.kind}}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


class Model(BaseModel):
    """Every contract model: frozen, in camelCase on the wire, and silent about the values it refuses."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        ser_json_timedelta="iso8601",
    )


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Narrative = Annotated[Words, Sealed("incident", "narrative")]
"""Free text about a case."""
Place = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)], Sealed("incident", "place")
]
"""Where something happened, in words."""


class Contact(Model):
    """Whom to ring about this: a professional, in words, for the vault only."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    role: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^[0-9+() ]{5,30}$")] | None = None
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)] | None = None


class Identity(Model):
    """Who a child is. Of a child not yet born: the mother's name in `name`, no date of birth, an expected date.

    Gender identity, religion and language are here, not beside the codes: rarer than those, they can tell who it is.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    other_names: tuple[Annotated[str, StringConstraints(min_length=1, max_length=200)], ...] = ()
    date_of_birth: date | None = None
    expected_date_of_delivery: date | None = None
    address: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    nhs_number: Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$")] | None = None
    upn: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{11}[0-9A-Z]$")] | None = None
    local_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    gender_identity: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    religion: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    language: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None


SealedContact = Annotated[Contact | Reference, Sealed("incident", "contact")]
SealedIdentity = Annotated[Identity | Reference, Sealed("subject", "identity")]
DocumentReference = Annotated[Reference, Field(description="A document filed in the vault beforehand.")]


@dataclass(frozen=True)
class Mark:
    """A marked field of a model: the path to it (`*` stands for each item of a list) and its seal."""

    path: tuple[str, ...]
    sealed: Sealed


@cache
def marks(model: type[BaseModel]) -> tuple[Mark, ...]:
    """Every marked field of a model, by its wire name, nested models and lists included."""
    return tuple(_marks_of_model(model))


def _marks_of_model(model: type[BaseModel]) -> Iterator[Mark]:
    for name, field in model.model_fields.items():
        wire = field.alias or name
        own = next((m for m in field.metadata if isinstance(m, Sealed)), None)
        found = [Mark((), own)] if own else list(_marks_of_annotation(field.annotation))
        for mark in found:
            yield Mark((wire, *mark.path), mark.sealed)


def _marks_of_annotation(annotation: Any) -> Iterator[Mark]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        own = next((a for a in arguments[1:] if isinstance(a, Sealed)), None)
        if own:
            yield Mark((), own)
        else:
            yield from _marks_of_annotation(arguments[0])
    elif origin in (Union, UnionType):
        for argument in arguments:
            yield from _marks_of_annotation(argument)
    elif origin in (tuple, list, frozenset, set):
        for mark in _marks_of_annotation(arguments[0]):
            yield Mark(("*", *mark.path), mark.sealed)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _marks_of_model(annotation)


Place_ = tuple[str | int, ...]


def replace_words(
    model: type[BaseModel], data: Mapping[str, Any], seal: Callable[[Place_, Sealed, Any], str]
) -> dict[str, Any]:
    """A copy of wire-form data in which each marked value that is no reference yet has been handed to `seal`.

    `seal` gets the place, the mark and the words, and returns the reference that takes their place.
    """
    result: Any = dict(data)
    for mark in marks(model):
        result = _replace(result, mark.path, (), mark.sealed, seal)
    return result  # type: ignore[no-any-return]


def _replace(
    node: Any,
    path: Sequence[str],
    here: Place_,
    sealed: Sealed,
    seal: Callable[[Place_, Sealed, Any], str],
) -> Any:
    if node is None:
        return None
    if not path:
        return node if is_reference(node) else seal(here, sealed, node)
    step, rest = path[0], path[1:]
    if step == "*":
        return [_replace(item, rest, (*here, number), sealed, seal) for number, item in enumerate(node)]
    if not isinstance(node, Mapping) or step not in node:
        return node
    return {**node, step: _replace(node[step], rest, (*here, step), sealed, seal)}


def is_reference(value: Any) -> bool:
    """Whether a wire value is a vault reference and nothing else."""
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def marked(model: type[BaseModel], data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The marked values of wire-form data that are there, each with its JSON pointer: words, or references."""
    for mark in marks(model):
        yield from _found(data, mark.path, "")


def _found(node: Any, path: Sequence[str], here: str) -> Iterator[tuple[str, Any]]:
    if node is None:
        return
    if not path:
        yield here, node
    elif path[0] == "*":
        for number, item in enumerate(node):
            yield from _found(item, path[1:], f"{here}/{number}")
    elif isinstance(node, Mapping) and path[0] in node:
        yield from _found(node[path[0]], path[1:], f"{here}/{path[0]}")


def words_left(model: type[BaseModel], data: Mapping[str, Any]) -> tuple[str, ...]:
    """JSON pointers of marked fields that still hold words. A fact with any is never stored."""
    return tuple(pointer for pointer, value in marked(model, data) if not is_reference(value))
