"""The partner library stands alone: it loads without anything of ours, and reads as Python 3.10."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path("clients/python/src/safeguarding_exchange")
LIBRARY = ("connection", "publishing", "queue", "subscribing", "doctor.examination")
LOADS = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(f"safeguarding_exchange.{name}")
ours = {"contracts", "shared", "services", "infra"}
assert not (ours | {"typer", "pydantic"}) & set(sys.modules), sorted(sys.modules)
"""


def test_the_library_loads_nothing_of_ours_and_no_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADS, *LIBRARY], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_every_file_reads_as_python_3_10(file: Path) -> None:
    ast.parse(file.read_text(), str(file), feature_version=(3, 10))


def test_it_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
