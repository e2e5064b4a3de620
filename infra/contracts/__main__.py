"""`python -m infra.contracts [command] [agencies.toml]`: what is generated from the contracts, and what was released.

check    the committed files are current; every change against the released schemas is said and weighed, with the
         agencies that a breaking one would hurt; what an agreement relies on cannot be retired (the default). The
         agreements are the demo's, or those in the file
write    write the generated files
release  freeze today's schemas as released; a breaking change needs a new major version first
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from contracts.catalogue import CATALOGUE
from contracts.compatibility import Level, level
from contracts.names import vague
from infra.contracts.agreements import directory
from infra.contracts.generated import generated
from infra.contracts.parts import parts
from infra.contracts.released import RELEASED, changes, findings, freeze, frozen, next_minor


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
    for finding in findings(directory(*map(Path, sys.argv[2:3]))):
        print(finding.words)
        yield finding.fails
    print(f"✓ {len([*parts()])} schemas of {len(CATALOGUE)} event types compared with contracts/released")


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
    """Freeze what passes the check, and forget what was retired."""
    if max([*_compatible()], default=0):
        return 1
    for part in parts():
        before = frozen(RELEASED, part)
        if before and level(changes(part, before)) is Level.MINOR and before["$id"] == part.today()["$id"]:
            print(f"✗ {part}: {next_minor(part)} before releasing this addition")
            return 1
    freeze(RELEASED)
    print("✓ released")
    return 0


COMMANDS = {"check": check, "write": write, "release": release}

if __name__ == "__main__":
    command = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "check")
    if command is None:
        print(__doc__)
        sys.exit(2)
    sys.exit(command())
