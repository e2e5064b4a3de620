"""What others rely on: the released schemas, what has changed against them, and which agencies it would hurt."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.catalogue import CATALOGUE, EventType
from contracts.compatibility import Change, Level, compare, level
from contracts.directory import Directory
from contracts.schema_forms import Form, Schema, forms, schema
from infra.contracts.agreements import Holder, proposers, readers, speaking_of, told

RELEASED = Path("contracts/released")


@dataclass(frozen=True)
class Finding:
    """One line for people. What `fails` must be mended before anything is released."""

    words: str
    fails: bool = False


def findings(
    within: Directory, catalogue: Mapping[str, EventType] = CATALOGUE, released: Path = RELEASED
) -> Iterator[Finding]:
    """Everything that differs from what was released, weighed, with the agencies of these agreements that it hurts."""
    for entry in catalogue.values():
        for major, _ in entry.versions():
            for form in forms(entry):
                yield from _weighed(entry, major, form, frozen(released, entry, major, form), within)
        yield from _moved(entry, released, within)
    for name, major, form in lost(catalogue, released):
        yield _retired(name, major, form, catalogue.get(name), within)


def frozen(released: Path, entry: EventType, major: int, form: Form) -> Schema | None:
    """The schema that was released; None where none was."""
    path = place(released, entry.name, major, form)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def place(released: Path, name: str, major: int, form: Form) -> Path:
    """Where the released schema of one version in one form lies."""
    return released / form.value / f"{name}.v{major}.json"


def lost(catalogue: Mapping[str, EventType], released: Path) -> Iterator[tuple[str, int, Form]]:
    """What was released and the catalogue has no more."""
    there = {(e.name, major, form) for e in catalogue.values() for major, _ in e.versions() for form in forms(e)}
    for form in Form:
        for path in sorted((released / form.value).glob("*.json")):
            name, _, major = path.stem.rpartition(".v")
            if (name, int(major), form) not in there:
                yield name, int(major), form


def _weighed(entry: EventType, major: int, form: Form, before: Schema | None, within: Directory) -> Iterator[Finding]:
    name = f"{entry.name}.v{major} ({form})"
    if before is None:
        yield Finding(f"+ {name}: new, not released yet")
        return
    changes = compare(before, schema(entry, major, form), form)
    for change in changes:
        yield Finding(f"  {name}: {change}")
        if change.level is Level.MAJOR:
            yield Finding(f"    {_whom(hurt(change, entry, major, form, within), form)}")
    weight = level(changes)
    if weight is Level.MAJOR:
        remedy = f"make it version {major + 1}, with steps in upcasting.py"
        yield Finding(f"✗ {name}: a major change under version {major}: {remedy}", fails=True)
    elif weight is Level.MINOR:
        yield Finding(
            f"! {name}: a minor change; it passes. Before it is released, raise `minor` in the catalogue by one"
        )


def hurt(change: Change, entry: EventType, major: int, form: Form, within: Directory) -> tuple[Holder, ...]:
    """Whom a breaking change hurts: who may send the type, or who reads that version and may see the field.

    Agreements name today's fields; of an earlier version every reader is named.
    """
    if form is Form.PUBLISH:
        return proposers(within, entry)
    return readers(within, entry, major, change.field if major == entry.major else None)


def _moved(entry: EventType, released: Path, within: Directory) -> Iterator[Finding]:
    """A new major version reaches at once whoever's agreement names none."""
    earlier = [major for major, _ in entry.versions() if major < entry.major]
    if frozen(released, entry, entry.major, Form.READ) is not None or not earlier:
        return
    moved = readers(within, entry, entry.major)
    if moved:
        yield Finding(
            f"! {entry.wire_type}: new; from its release on it is read by {told(moved)}, unless an agreement says"
            f" {' or '.join(map(str, earlier))} under `reads`"
        )


def _retired(name: str, major: int, form: Form, entry: EventType | None, within: Directory) -> Finding:
    """A version that is gone. Agreements name the version that an agency reads, and only the types that it proposes."""
    what = f"{name}.v{major} ({form})"
    if form is Form.PUBLISH:
        holders = speaking_of(within, name, proposing=True)
        if holders and entry is not None and entry.proposers:
            return Finding(f"! {what}: retired; {told(holders)} must propose version {entry.major} from now on")
        doing = "may propose it still"
    else:
        holders = readers(within, entry, major) if entry else speaking_of(within, name, proposing=False)
        doing = "read it still, by agreement"
    if holders:
        return Finding(f"✗ {what} cannot be retired: {told(holders)} {doing}", fails=True)
    return Finding(f"- {what}: retired; no agreement relies on it. Facts of it that lie in a log can be read no more")


def _whom(holders: tuple[Holder, ...], form: Form) -> str:
    if not holders:
        return "hurts nobody under today's agreements"
    return f"hurts {told(holders)}, who {'may propose' if form is Form.PUBLISH else 'read'} it"
