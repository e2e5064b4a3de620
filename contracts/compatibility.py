"""May this schema replace the released one? The change decides whether it is a patch, a minor or a major one.

Stock registries refuse ordinary optional additions to JSON; ours pass, since publishing is closed and reading open.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from contracts.schema_forms import Form, Schema


class Level(IntEnum):
    PATCH = 1
    MINOR = 2
    MAJOR = 3


@dataclass(frozen=True)
class Change:
    """One difference, its weight, and what it does to whom, in words."""

    level: Level
    pointer: str
    words: str

    @property
    def field(self) -> str | None:
        """The field of `data` that differs, or holds what differs: access is decided by it; None for the envelope."""
        _, _, below = self.pointer.partition("/data/")
        return below.partition("/")[0] or None

    def __str__(self) -> str:
        return f"{self.level.name.lower()}: {self.pointer or '/'}: {self.words}"


WORDS_ONLY = ("title", "description", "examples", "$id", "$comment")
UPPER = ("maximum", "maxLength", "maxItems", "exclusiveMaximum")
LOWER = ("minimum", "minLength", "minItems", "exclusiveMinimum")
COMPARED_APART = ("properties", "required", "items", "anyOf", "$defs", "$ref", "enum", "additionalProperties")


def compare(released: Schema, today: Schema, form: Form) -> tuple[Change, ...]:
    """Every difference between the released schema and today's, both in one form."""
    return tuple(_compare(_Both(released, today, form), released, today, ""))


def level(changes: tuple[Change, ...]) -> Level | None:
    """The weight of the whole: that of its weightiest change; None where nothing changed."""
    return max((change.level for change in changes), default=None)


@dataclass(frozen=True)
class _Both:
    released: Schema
    today: Schema
    form: Form

    def follow(self, root: Schema, node: Any) -> Any:
        """The node behind a local `$ref`, what stands beside the reference kept."""
        while isinstance(node, Mapping) and "$ref" in node:
            target: Any = root
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
        return node


def _compare(both: _Both, old: Any, new: Any, at: str) -> Iterator[Change]:
    old, new = both.follow(both.released, old), both.follow(both.today, new)
    yield from _properties(both, old, new, at)
    yield from _enumeration(both, old, new, at)
    yield from _openness(old, new, at)
    yield from _keywords(both, old, new, at)
    if "items" in old and "items" in new:
        yield from _compare(both, old["items"], new["items"], f"{at}/*")
    elif "items" in old or "items" in new:
        yield Change(
            Level.MAJOR, at, "what its items are is said no more" if "items" in old else "has items of its own"
        )
    yield from _alternatives(both, old, new, at)


def _properties(both: _Both, old: Schema, new: Schema, at: str) -> Iterator[Change]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(before.keys() - after.keys()):
        yield Change(Level.MAJOR, f"{at}/{name}", "removed: who sends it is refused, who reads it misses it")
    for name in sorted(after.keys() - before.keys()):
        if name in needed_after and both.form is Form.PUBLISH:
            yield Change(Level.MAJOR, f"{at}/{name}", "added and required: whoever does not send it yet is refused")
        else:
            yield Change(Level.MINOR, f"{at}/{name}", "added: nobody need send it, and readers let it pass")
    for name in sorted(before.keys() & after.keys()):
        yield from _compare(both, before[name], after[name], f"{at}/{name}")
        if name in needed_after - needed_before:
            heavy = both.form is Form.PUBLISH
            words = "became required: whoever leaves it out is refused" if heavy else "is always there from now on"
            yield Change(Level.MAJOR if heavy else Level.MINOR, f"{at}/{name}", words)
        if name in needed_before - needed_after:
            heavy = both.form is Form.READ
            words = "may be absent now: readers that rely on it break" if heavy else "may be left out now"
            yield Change(Level.MAJOR if heavy else Level.MINOR, f"{at}/{name}", words)


def _enumeration(both: _Both, old: Schema, new: Schema, at: str) -> Iterator[Change]:
    before, after = set(map(str, old.get("enum", ()))), set(map(str, new.get("enum", ())))
    if not before and not after:
        return
    extensible = bool(old.get("x-extensible-enum"))
    for value in sorted(after - before):
        light = extensible or both.form is Form.PUBLISH
        words = f"`{value}` added" + ("" if light else ": readers that know only the others cannot place it")
        yield Change(Level.MINOR if light else Level.MAJOR, at, words)
    for value in sorted(before - after):
        light = both.form is Form.READ
        words = f"`{value}` removed" + ("" if light else ": whoever sends it is refused")
        yield Change(Level.MINOR if light else Level.MAJOR, at, words)


def _openness(old: Schema, new: Schema, at: str) -> Iterator[Change]:
    if old.get("additionalProperties", True) != new.get("additionalProperties", True):
        yield Change(Level.MAJOR, at, "opened or closed to unknown fields")


def _keywords(both: _Both, old: Schema, new: Schema, at: str) -> Iterator[Change]:
    for keyword in sorted((old.keys() | new.keys()) - set(COMPARED_APART)):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        if keyword in WORDS_ONLY:
            done = "added" if before is None else "removed" if after is None else "reworded"
            yield Change(Level.PATCH, at, f"{keyword} {done}")
        elif keyword == "default":
            yield _default(both, before, after, at)
        elif keyword in UPPER + LOWER:
            yield _limit(both, keyword, before, after, at)
        else:
            yield Change(Level.MAJOR, at, f"{keyword} is another")


def _default(both: _Both, before: Any, after: Any, at: str) -> Change:
    """What a field left out stands for. Who leaves it out says something else from now on; facts have it filled in."""
    if before is None:
        return Change(Level.MINOR, at, f"left out, it stands for {_told(after)} from now on, and for nothing before")
    words = f"default {_told(before)} removed" if after is None else f"default {_told(before)} is {_told(after)} now"
    if both.form is Form.READ:
        return Change(Level.MINOR, at, f"{words}: facts say it, so readers lose nothing")
    return Change(Level.MAJOR, at, f"{words}: whoever leaves it out says something else")


def _told(value: Any) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _limit(both: _Both, keyword: str, before: Any, after: Any, at: str) -> Change:
    sign = 1 if keyword in UPPER else -1
    infinite = float("inf")
    wider = sign * (infinite * sign if after is None else after) > sign * (
        infinite * sign if before is None else before
    )
    light = wider == (both.form is Form.PUBLISH)
    words = f"{keyword} {'widened' if wider else 'narrowed'} from {before} to {after}"
    harm = (
        ""
        if light
        else ": what was sent is refused"
        if both.form is Form.PUBLISH
        else ": readers meet more than agreed"
    )
    return Change(Level.MINOR if light else Level.MAJOR, at, words + harm)


def _alternatives(both: _Both, old: Schema, new: Schema, at: str) -> Iterator[Change]:
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    if len(before) != len(after):
        yield Change(Level.MAJOR, at, "has other alternatives")
    else:
        for one, other in zip(before, after, strict=True):
            yield from _compare(both, one, other, at)
