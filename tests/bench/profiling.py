"""Profiles as text that a person reads: where the time goes, by function and by what it calls."""

import cProfile
import io
import pstats
import re
from pathlib import Path

FOLDER = Path(__file__).with_name("profiles")
LINES = 45
_OUTSIDE = re.compile(r"(?:/[^\s:]+)?/(?:site-packages|python3\.\d+)/")
_OURS = re.compile(rf"{re.escape(str(Path(__file__).parents[2]))}/")


def written(profile: cProfile.Profile, file: Path) -> None:
    """The profile in two orders: own time, then with what is called. It appears whole or not at all."""
    out = io.StringIO()
    stats = pstats.Stats(profile, stream=out)
    for order in ("tottime", "cumulative"):
        stats.sort_stats(order).print_stats(LINES)
    aside = file.with_suffix(".new")
    aside.parent.mkdir(parents=True, exist_ok=True)
    aside.write_text(plain(out.getvalue()))
    aside.replace(file)


def plain(text: str) -> str:
    """Without the paths of the machine that it was taken on."""
    lines = _OURS.sub("", _OUTSIDE.sub("", text)).splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"
