"""The second act for people: one incident, and what each agency sees of it, side by side."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.demo.checker import Difference
from infra.demo.scenarios import Scenario
from infra.demo.timeline import INDENT, WIDTH

FIRST = 26
"""The width of the column of event types."""

_KINDS = {"icb": "ICB"}
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def side_by_side(act: Scenario, found: Mapping[str, Mapping[str, Any]], wrong: Sequence[Difference]) -> str:
    """The act as a block of lines: who sees how much of which event, and whether that was expected."""
    agencies = list(found)
    width = (WIDTH - len(INDENT) - FIRST) // len(agencies)
    types = list(dict.fromkeys(name for each in found.values() for name in each["sees"]))
    kinds = [_KINDS.get(each["kind"], each["kind"].replace("_", " ")) for each in found.values()]
    lines = [act.title, *textwrap.wrap(act.about, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT), ""]
    lines += _row("", agencies, width)
    lines += _row("", kinds, width)
    lines.append(INDENT + "-" * (WIDTH - len(INDENT)))
    for name in types:
        lines += _row(name.rpartition(".v")[0], [found[agency]["sees"].get(name, "") for agency in agencies], width)
    lines.append("")
    lines += _row("asked for the incident", [_answer(found[agency]["incident"]) for agency in agencies], width)
    lines += _row("for the notification", [_answer(found[agency]["notification"]) for agency in agencies], width)
    lines += ["", *_before(found), f"{INDENT}As expected." if not wrong else f"{INDENT}OTHERWISE THAN EXPECTED:"]
    for one in wrong:
        lines += textwrap.wrap(one.sentence(), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT * 2)
    return "\n".join(lines) + "\n"


def _row(first: str, cells: Sequence[str], width: int) -> Iterator[str]:
    """A row of as many lines as its longest cell needs; what an agency does not see is a dot."""
    columns = [textwrap.wrap(first, FIRST - 1) or [""]]
    columns += [textwrap.wrap(_breakable(cell or "·", width - 1), width - 1) for cell in cells]
    for number in range(max(map(len, columns))):
        texts = [column[number] if number < len(column) else "" for column in columns]
        yield (INDENT + texts[0].ljust(FIRST) + "".join(text.ljust(width) for text in texts[1:])).rstrip()


def _breakable(text: str, width: int) -> str:
    """A name in camelCase that is too long for its column is broken before its capitals."""
    return " ".join(_HUMP.sub(" ", word) if len(word) > width else word for word in text.split())


def _before(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for agency, each in found.items():
        lost = {name: sight for name, sight in each["saw_at_first"].items() if name not in each["sees"]}
        for name, sight in lost.items():
            said = (
                f"Before it was shut out, {agency} saw of {name.rpartition('.v')[0]} {sight}; now its number is empty."
            )
            yield from textwrap.wrap(said, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)


def _answer(status: int) -> str:
    return {200: "shown", 404: "not found"}.get(status, str(status))
