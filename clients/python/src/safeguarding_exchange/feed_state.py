"""How far a subscriber has come, in a file of its own that survives it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any


class NotYourState(ValueError):
    """The state file is another agency's, or cannot be read."""


@dataclass(frozen=True)
class State:
    """`sequence` is the last that was done with; `cursor` and `offset` are where to read on, over HTTPS and Kafka."""

    agency: str
    sequence: int = 0
    cursor: str | None = None
    offset: int | None = None
    missing: tuple[tuple[int, int], ...] = ()


class StateFile:
    """Keeps the state: whole or not at all, and on disk when `keep` returns."""

    def __init__(self, path: Path | str, agency: str) -> None:
        self._path = Path(path)
        self.state = self._read(agency)

    def keep(self, **changes: Any) -> None:
        """Change the state."""
        changed = replace(self.state, **changes)
        if changed == self.state:
            return
        self.state = changed
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self.state), file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)

    def _read(self, agency: str) -> State:
        try:
            told: Mapping[str, Any] = json.loads(self._path.read_text())
        except FileNotFoundError:
            return State(agency)
        except ValueError:
            raise NotYourState(f"{self._path} is not a state file: name another, or begin anew without it") from None
        if not isinstance(told, dict) or told.get("agency") != agency:
            raise NotYourState(f"{self._path} is the state of another agency's subscriber: name another file")
        missing = tuple((int(first), int(last)) for first, last in told.get("missing", ()))
        return State(agency, int(told.get("sequence", 0)), told.get("cursor"), told.get("offset"), missing)
