"""What the doctor found."""

from dataclasses import dataclass

WELL, FAULT, NOTE, UNSEEN = "well", "fault", "note", "not looked at"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `remedy` says who does what about it."""

    what: str
    standing: str
    said: str
    remedy: str | None = None


def well(what: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding(what, WELL, said)


def fault(what: str, said: str, remedy: str) -> Finding:
    """Nothing that needs it can work until this is mended."""
    return Finding(what, FAULT, said, remedy)


def note(what: str, said: str, remedy: str) -> Finding:
    """It works, but somebody should know."""
    return Finding(what, NOTE, said, remedy)


def unseen(what: str, said: str) -> Finding:
    """Something else must be mended first, or was not asked for."""
    return Finding(what, UNSEEN, said)
