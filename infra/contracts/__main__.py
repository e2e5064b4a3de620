"""`python -m infra.contracts [command] [agencies.toml]`: what is generated from the contracts, and what was released.

check       the committed files are current; every change against the released schemas is said and weighed, with the
            agencies that a breaking one would hurt; what an agreement relies on cannot be retired (the default)
write       write the generated files
release     freeze today's schemas as released; a breaking change needs a new major version first
agreements  print the agreements in force of an installation, out of the gateway's database of SX_DATABASE_URL

`check` and `release` ask the agreements in the file that is named: the demo's where none is.

    python -m infra.contracts agreements > agreements.toml && python -m infra.contracts check agreements.toml
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from contracts.catalogue import CATALOGUE
from contracts.directory import BadDirectory, Directory
from contracts.names import vague
from infra.agencies import AGENCIES, agencies_file
from infra.contracts.agreements import directory
from infra.contracts.generated import generated
from infra.contracts.parts import parts
from infra.contracts.released import RELEASED, findings, freeze, next_minor, unraised
from shared.database import Database
from shared.listed import directory as listed


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
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else AGENCIES
    try:
        within = directory(file)
    except OSError as unreadable:
        sys.exit(f"✗ {file}: {unreadable.strerror}")
    except BadDirectory as unusable:
        sys.exit(f"✗ {file}: {unusable}")
    whose = " (the demo's; name a file for those of an installation)" if file == AGENCIES else ""
    print(f"  whom a change hurts, by the {len(within.agreements)} agreements of {file.name}{whose}")
    for finding in findings(within):
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
    added = [*unraised(RELEASED)]
    for part in added:
        print(f"✗ {part}: {next_minor(part)} before releasing this addition")
    if added:
        return 1
    freeze(RELEASED)
    print("✓ released")
    return 0


def agreements() -> int:
    """Print what is in force in an installation, in the form that `check` and `release` take."""
    url = os.environ.get("SX_DATABASE_URL")
    if not url:
        sys.exit("set SX_DATABASE_URL: the gateway's own way into its database")
    try:
        print(agencies_file(asyncio.run(_in_force(url))))
    except OSError as away:
        sys.exit(f"the database of SX_DATABASE_URL cannot be reached: {type(away).__name__}")
    return 0


async def _in_force(url: str) -> Directory:
    database = Database(url, pool_size=1)
    try:
        async with database.reading() as connection:
            return await listed(connection)
    finally:
        await database.close()


COMMANDS = {"check": check, "write": write, "release": release, "agreements": agreements}

if __name__ == "__main__":
    command = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "check")
    if command is None:
        print(__doc__)
        sys.exit(2)
    sys.exit(command())
