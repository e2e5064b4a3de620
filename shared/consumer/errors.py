"""Who can mend an error: time (the partition is held and tried again) or an operator (the event is parked)."""

import traceback
from pathlib import Path

from pydantic import ValidationError

from contracts.catalogue import UnknownType
from shared.database import NotCommitted, is_outage
from shared.eventlog import Conflict, FactTooLarge, WordsInFact
from shared.vault_client.sealing import NoSealingKey, SealingKeyRetired


class TryLater(Exception):
    """Raised by a reaction whose work something away from here holds up: its partition is held, nothing is skipped."""


class Unfit(Exception):
    """The event can never succeed. `reason` is a code, without any value out of the event."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


_TIME = (TryLater, Conflict, NoSealingKey, SealingKeyRetired, NotCommitted, OSError, TimeoutError)
_NEVER = (Unfit, UnknownType, WordsInFact, FactTooLarge, ValidationError, UnicodeDecodeError)


def mended_by_time(error: BaseException) -> bool:
    """Whether the same work may succeed later."""
    return isinstance(error, _TIME) or is_outage(error)


def contended(error: BaseException) -> bool:
    """Whether another writer was merely there first, so that the same work may succeed at once."""
    state = getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return isinstance(error, Conflict) or str(state).startswith("40")


def certain(error: BaseException) -> bool:
    """Whether trying once more would be idle: the event itself is at fault."""
    return isinstance(error, _NEVER)


def reason_of(error: BaseException) -> str:
    """What stands in the parked event's row: kinds and places, never words of the error, which may hold values."""
    if isinstance(error, Unfit):
        return error.reason
    if isinstance(error, ValidationError):
        found = {f"{each['type']} at {_pointer(each['loc'], each['type'])}" for each in error.errors()}
        return "does not fit its schema: " + "; ".join(sorted(found)[:10])
    if isinstance(error, WordsInFact):
        return f"a fact would have held words at {', '.join(error.pointers)}"
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {Path(frames[-1].filename).name}:{frames[-1].lineno}"


def _pointer(loc: tuple[int | str, ...], rule: str) -> str:
    # The name of a member that no schema has may be anything at all.
    known = loc[:-1] if rule == "extra_forbidden" else loc
    return "/" + "/".join(str(part) for part in known)
