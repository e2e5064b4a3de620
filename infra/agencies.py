"""Which partner agencies there are, as far as the broker must know: their ids."""

import tomllib
from pathlib import Path

AGENCIES = Path(__file__).with_name("demo") / "agencies.toml"


def read_agencies(file: Path = AGENCIES) -> list[str]:
    """The ids of the agencies that `file` lists. Raises KeyError when it lists none."""
    return [agency["id"] for agency in tomllib.loads(file.read_text())["agency"]]
