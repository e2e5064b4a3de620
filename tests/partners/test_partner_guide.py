"""The partner guide is followed as it stands: every command in it, in its order, against a real exchange."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.whole_stack.conftest import Exchange

pytestmark = pytest.mark.timeout(400)
ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "partner-guide.md"
COMMANDS = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _followed(folder: Path) -> list[str]:
    """What each block prints, all in one shell, as a reader has it. It stops at the first that fails."""
    blocks = COMMANDS.findall(GUIDE.read_text())
    parts = [f"{block}\necho; echo '=== {number} done'\n" for number, block in enumerate(blocks)]
    script = "set -euo pipefail\n" + "\n".join(parts)
    # As in a terminal of its own: nothing of ours on the path.
    told = {"PATH": os.environ["PATH"], "HOME": str(folder)} | {
        name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=told, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return re.split(r"=== \d+ done\n", done.stdout)[:-1]


def test_the_guide_leads_from_nothing_to_a_feed_item(exchange: Exchange, tmp_path: Path) -> None:
    (tmp_path / "clients").symlink_to(ROOT / "clients")
    (tmp_path / ".state").mkdir()
    (tmp_path / ".state" / "run").symlink_to(exchange.stack.home.folder)

    _installed, looked_at, published, receipt, read, with_curl = _followed(tmp_path)

    assert looked_at.rstrip().endswith("all well")
    assert published.startswith("taken: 1 refused: 0 waiting: 0\n")
    status, incident = receipt.split()[:2]
    assert status == "accepted"
    lines = read.strip().splitlines()
    words = [line for line in lines if line.startswith("in words: ")]
    items = [line.split() for line in lines if line not in words]
    assert words == [f"in words: {json.loads((ROOT / 'clients/other/referral.json').read_text())['data']['summary']}"]
    assert [int(item[0]) for item in items] == list(range(1, len(items) + 1))  # the second run told nothing
    assert ["incident.referred.v1", incident] in [item[1:] for item in items]
    assert '"status":"accepted"' in with_curl
    assert '"sequence":1' in with_curl


def test_nothing_else_is_to_be_typed_but_what_starts_the_exchange() -> None:
    text = GUIDE.read_text()
    assert len(COMMANDS.findall(text)) == text.count("```sh") == 6
    # `make run` is the fixture's part here: tests/integration/test_stack_run.py has what it says and leaves.
    assert re.findall(r"^ {4,}(\S.*)$|^```(?!sh$|$)", COMMANDS.sub("", text), re.MULTILINE) == ["make run"]
