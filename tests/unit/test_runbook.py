"""Every signal has its line in the runbook, and the runbook names no signal that there is not."""

import re
from pathlib import Path

SIGNAL = re.compile(r'(?:Signal|gauge)\(\s*f?"([a-z_]+)"')


def _named_in_code() -> set[str]:
    files = [*Path("services").rglob("*.py"), *Path("shared").rglob("*.py")]
    return {name for file in files for name in SIGNAL.findall(file.read_text())} - {"sx_"}


def _named_in_runbook() -> set[str]:
    table = Path("docs/runbook.md").read_text().partition("## Signals")[2].partition("## When")[0]
    return set(re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE))


def test_every_signal_says_in_the_runbook_what_it_means_and_what_to_do() -> None:
    assert _named_in_code() == _named_in_runbook()
