"""What the README has a newcomer type is typed: each command as it stands, in its order, on a running exchange."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.whole_stack.conftest import Exchange

ROOT = Path(__file__).parents[2]
TYPED = re.compile(r"^    (?!make )(.+)$", re.MULTILINE)
"""`make run` is the fixture's part here, and the other targets take long: they are what runs these tests."""


def test_what_a_newcomer_types_refers_an_incident_and_lists_it_for_who_decides(
    exchange: Exchange, tmp_path: Path
) -> None:
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    for folder in ("contracts", "shared"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (tmp_path / ".state").mkdir()
    (tmp_path / ".state" / "run").symlink_to(exchange.stack.home.folder)
    urls = exchange.stack.urls  # another run's ports are free: these two say so, as the README tells with --ports-from
    told = {"SX_GATEWAY": urls["gateway"], "SX_ISSUER": urls["issuer"], "SX_HOME": str(tmp_path), "COLUMNS": "200"}
    typed = TYPED.findall((ROOT / "README.md").read_text())

    said = {line: _type(line, tmp_path, told) for line in typed}

    assert [line.split()[:2] for line in typed] == [
        [".venv/bin/sx", "sign-in"],
        [".venv/bin/sx", "refer"],
        [".venv/bin/sx", "sign-in"],
        [".venv/bin/sx", "list"],
        [".venv/bin/python", "-m"],
    ]
    (incident,) = set(re.findall(r"incident-[0-9a-f]{32}", said[typed[1]]))
    assert incident in said[typed[3]]
    assert "7 Sep 2026" in said[typed[4]]


def _type(line: str, folder: Path, told: dict[str, str]) -> str:
    """What a line prints, in a shell; it fails where the line does."""
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=os.environ | told, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout
