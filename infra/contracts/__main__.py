"""`python -m infra.contracts`: check, write or release what is generated from the contracts.

check    the committed files are current; every change against the released schemas is said and weighed (the default)
write    write the generated files
release  freeze today's schemas as released; a breaking change needs a new major version first
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from contracts.catalogue import CATALOGUE, EventType
from contracts.compatibility import Level, compare, level
from contracts.names import vague
from contracts.schema_forms import Form, forms, schema
from infra.contracts.generated import generated

RELEASED = Path("contracts/released")


def check() -> int:
    """Print every finding; the exit status is 1 where something must be mended."""
    return max([*_named_plainly(), *_current(), *_compatible()], default=0)


def _named_plainly() -> Iterator[int]:
    for name in CATALOGUE:
        problem = vague(name)
        if problem:
            print(f"✗ {name}: {problem}")
            yield 1


def _current() -> Iterator[int]:
    stale = [path for path, text in generated() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"✗ {path} is not current: run `make contracts-write` and commit what it writes")
    if not stale:
        print("✓ schemas, AsyncAPI documents, examples and catalogue are current")
    yield 1 if stale else 0


def _compatible() -> Iterator[int]:
    for entry in CATALOGUE.values():
        for major, _ in entry.versions():
            for form in forms(entry):
                yield _weigh(entry, major, form)
    print(f"✓ {len(CATALOGUE)} event types compared with contracts/released")


def _weigh(entry: EventType, major: int, form: Form) -> int:
    frozen = _released(entry, major, form)
    name = f"{entry.name}.v{major} ({form})"
    if frozen is None:
        print(f"+ {name}: new, not released yet")
        return 0
    changes = compare(frozen, schema(entry, major, form), form)
    weight = level(changes)
    for change in changes:
        print(f"  {name}: {change}")
    if weight is Level.MAJOR:
        print(
            f"✗ {name}: a major change under version {major}: make it version {major + 1}, with steps in upcasting.py"
        )
        return 1
    if weight is Level.MINOR:
        print(f"! {name}: a minor change; it passes. Before it is released, raise `minor` in the catalogue by one")
    return 0


def _released(entry: EventType, major: int, form: Form) -> dict[str, object] | None:
    path = RELEASED / form.value / f"{entry.name}.v{major}.json"
    return json.loads(path.read_text()) if path.exists() else None


def write() -> int:
    """Write every generated file, and remove what is generated no more."""
    wanted = dict(generated())
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in {path.parent for path in wanted}:
        for path in (*folder.glob("*.json"), *folder.glob("*.html")):
            if path not in wanted:
                path.unlink()
    print(f"✓ wrote {len(wanted)} files")
    return 0


def release() -> int:
    """Freeze what passes the check."""
    if max([*_compatible()], default=0):
        return 1
    for entry in CATALOGUE.values():
        for major, _ in entry.versions():
            for form in forms(entry):
                frozen, today = _released(entry, major, form), schema(entry, major, form)
                if frozen and level(compare(frozen, today, form)) is Level.MINOR and frozen["$id"] == today["$id"]:
                    print(f"✗ {entry.name}: raise `minor` in the catalogue before releasing this addition")
                    return 1
                path = RELEASED / form.value / f"{entry.name}.v{major}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(today, indent=2, ensure_ascii=False) + "\n")
    print("✓ released")
    return 0


COMMANDS = {"check": check, "write": write, "release": release}

if __name__ == "__main__":
    command = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "check")
    if command is None:
        print(__doc__)
        sys.exit(2)
    sys.exit(command())
