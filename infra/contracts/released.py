"""What others rely on: the released schemas, what has changed against them, and which agencies it would hurt."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts import feeds
from contracts.catalogue import CATALOGUE, EventType
from contracts.compatibility import Change, Level, compare, level
from contracts.directory import Directory
from contracts.schema_forms import Form, Schema
from infra.contracts.agreements import Holder, losing, proposers, readers, speaking_of, subscribers, told
from infra.contracts.parts import COPIES, EXPORTS, Part, parts

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
    there = [*parts(catalogue)]
    for part in there:
        before = frozen(released, part)
        if before is None:
            yield Finding(f"+ {part}: new, not released yet")
        else:
            yield from _weighed(part, before, within)
            yield from _narrowed(part, before, within)
    for entry in catalogue.values():
        yield from _moved(entry, released, within)
    for part in lost(there, released):
        yield _retired(part, catalogue.get(part.name), within)


def freeze(released: Path, catalogue: Mapping[str, EventType] = CATALOGUE) -> None:
    """Today's schemas are what others rely on from now on; what is gone is forgotten."""
    there = [*parts(catalogue)]
    for part in there:
        path = part.place(released)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(part.today(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for part in lost(there, released):
        part.place(released).unlink()


def frozen(released: Path, part: Part) -> Schema | None:
    """The schema that was released; None where none was."""
    path = part.place(released)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def lost(there: Iterable[Part], released: Path) -> Iterator[Part]:
    """What was released and is there no more."""
    known = {part.key for part in there}
    for folder in (*Form, feeds.FORM, EXPORTS):
        for path in sorted((released / folder).glob("*.json")):
            name, _, major = path.stem.rpartition(".v")
            if (name, int(major), str(folder)) not in known:
                yield Part(name, int(major), folder)


def changes(part: Part, before: Schema) -> tuple[Change, ...]:
    """Every difference to what was released. Who may see a field is no matter of the schema's weight."""
    return compare(_without_readers(before), _without_readers(part.today()), part.compared_as)


def _without_readers(whole: Schema) -> Schema:
    return {key: value for key, value in whole.items() if key != feeds.READABLE_BY}


def _weighed(part: Part, before: Schema, within: Directory) -> Iterator[Finding]:
    found = changes(part, before)
    for change in found:
        yield Finding(f"  {part}: {change}")
        if change.level is Level.MAJOR:
            yield Finding(f"    {_whom(hurt(change, part, within), part)}")
    weight = level(found)
    if weight is Level.MAJOR:
        yield Finding(f"✗ {part}: a major change under version {part.major}: {_next_major(part)}", fails=True)
    elif weight is Level.MINOR:
        numbered = before["$id"] != part.today()["$id"]
        first = "It has a number of its own" if numbered else f"Before it is released, {next_minor(part)}"
        yield Finding(f"! {part}: a minor change; it passes. {first}")


def _next_major(part: Part) -> str:
    if part.folder == EXPORTS:
        return f"raise EXPORT_VERSION in {COPIES[part.name].module} to {part.major + 1}.0"
    if part.entry in feeds.OWN:
        return f"make it version {part.major + 1} in feeds.py"
    return f"make it version {part.major + 1}, with steps in upcasting.py"


def next_minor(part: Part) -> str:
    """What an author does before an addition is released."""
    if part.folder == EXPORTS:
        return f"raise the second number of EXPORT_VERSION in {COPIES[part.name].module} by one"
    if part.entry is not None and part.major != part.entry.major:
        return f"raise `minors[{part.major}]` in the catalogue by one"
    return "raise `minor` in the catalogue by one"


def unraised(released: Path, catalogue: Mapping[str, EventType] = CATALOGUE) -> Iterator[Part]:
    """What was added to since it was released, and has the number that it had."""
    for part in parts(catalogue):
        before = frozen(released, part)
        if before and level(changes(part, before)) is Level.MINOR and before["$id"] == part.today()["$id"]:
            yield part


def hurt(change: Change, part: Part, within: Directory) -> tuple[Holder, ...]:
    """Whom a breaking change hurts: who may send the type, or who reads that version and may see the field.

    Agreements name today's fields; of an earlier version every reader is named. What only feeds hold, every subscriber
    reads; a copy, whoever may read what it is a copy of.
    """
    if part.entry is None:
        copied = CATALOGUE[COPIES[part.name].copied]
        return readers(within, copied, copied.major)
    if part.entry in feeds.OWN:
        return subscribers(within)
    if part.folder == Form.PUBLISH:
        return proposers(within, part.entry)
    return readers(within, part.entry, part.major, change.field if part.major == part.entry.major else None)


def _narrowed(part: Part, before: Schema, within: Directory) -> Iterator[Finding]:
    """A ceiling that was narrowed breaks no reader, since a feed may lack any field; but it takes something away."""
    today, properties = part.today().get(feeds.READABLE_BY, {}), feeds.members(part.today())
    for kind, seen in before.get(feeds.READABLE_BY, {}).items():
        gone = sorted((set(seen) & properties) - set(today.get(kind, ())))
        if kind not in today or gone:
            assert part.entry is not None
            holders = losing(within, part.entry, part.major, kind, None if kind not in today else frozenset(gone))
            what = f"`{'`, `'.join(gone)}`" if kind in today else "the whole of it"
            whose = f"{told(holders)} read it" if holders else "no agreement reads it there"
            yield Finding(f"! {part}: {what} is kept from every {kind} from now on: {whose}")


def _moved(entry: EventType, released: Path, within: Directory) -> Iterator[Finding]:
    """A new major version reaches at once whoever's agreement names none."""
    earlier = [major for major, _ in entry.versions() if major < entry.major]
    if frozen(released, Part(entry.name, entry.major, Form.READ, entry)) is not None or not earlier:
        return
    moved = readers(within, entry, entry.major)
    if moved:
        yield Finding(
            f"! {entry.wire_type}: new; from its release on it is read by {told(moved)}, unless an agreement says"
            f" {' or '.join(map(str, earlier))} under `reads`"
        )


def _retired(part: Part, entry: EventType | None, within: Directory) -> Finding:
    """A version that is gone. Agreements name the version that an agency reads, and only the types that it proposes.

    What was ever recorded lies in logs for good, so no version's form for reading may go.
    """
    if part.folder == EXPORTS:
        return Finding(f"! {part}: retired; copies are made in the version of today from now on")
    if part.folder == Form.READ:
        remedy = (
            "name it under `retired` and keep its model under `earlier`"
            if entry
            else "keep it, with nobody who may propose or see it"
        )
        return Finding(
            f"✗ {part} cannot go: facts of it lie in logs, which today's services read: {remedy}", fails=True
        )
    if part.folder == Form.PUBLISH:
        holders = speaking_of(within, part.name, proposing=True)
        if holders and entry is not None and entry.proposers:
            return Finding(f"! {part}: retired; {told(holders)} must propose version {entry.major} from now on")
        doing = "may propose it still"
    elif part.name in {own.name for own in feeds.OWN}:
        holders, doing = subscribers(within), "have it in their feeds still"
    else:
        listed = entry is not None and entry.ceiling.agencies
        holders = readers(within, entry, part.major) if entry and listed else speaking_of(within, part.name)
        doing = "read it still, by agreement"
    if holders:
        return Finding(f"✗ {part} cannot be retired: {told(holders)} {doing}", fails=True)
    return Finding(
        f"- {part}: retired; no agreement relies on it, and facts of it that lie in logs are read as today's"
    )


def _whom(holders: tuple[Holder, ...], part: Part) -> str:
    if not holders:
        return "hurts nobody under today's agreements"
    return f"hurts {told(holders)}, who {'may propose' if part.folder == Form.PUBLISH else 'read'} it"
