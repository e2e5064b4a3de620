"""Who a caller is to the partnerships: the agencies file, read once, and the party that a token stands for."""

from pathlib import Path

from contracts.access import Party
from contracts.directory import BadDirectory, Directory, directory_from
from shared.identity import Caller

__all__ = ["BadDirectory", "Directory", "party_of", "read_directory"]


def read_directory(path: Path) -> Directory:
    """The directory in a file. Raises BadDirectory, naming the file and the remedy."""
    try:
        return directory_from(path.read_text(encoding="utf-8"))
    except OSError as unreadable:
        remedy = "point SX_AGENCIES_FILE at the agencies file"
        raise BadDirectory(f"{path.name} cannot be read ({type(unreadable).__name__}): {remedy}") from None
    except BadDirectory as wrong:
        raise BadDirectory(f"{path.name}: {wrong}") from None


def party_of(directory: Directory, caller: Caller) -> Party | None:
    """The caller as access decisions see it; None for a service, and for an agency that is not known here."""
    if caller.kind == "service":
        return None
    return directory.member(caller.agency or "", caller.id if caller.kind == "person" else None, caller.roles)
