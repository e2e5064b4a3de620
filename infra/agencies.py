"""Which partner agencies there are, as far as the broker must know: their ids."""

from pathlib import Path

from contracts.directory import directory_from

AGENCIES = Path(__file__).with_name("demo") / "agencies.toml"


def read_agencies(file: Path = AGENCIES) -> list[str]:
    """The ids of the agencies in `file`. Raises OSError, and BadDirectory (a ValueError) when it cannot be used."""
    return sorted(directory_from(file.read_text()).agencies)
