"""What can go wrong between an agency and the exchange, and who can mend it."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """The gateway's answer to what cannot be done: a problem (RFC 9457), with every fault. The caller mends it."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("title", f"HTTP {status}")))
        self.status = status
        self.problem = dict(problem)

    @property
    def faults(self) -> list[dict[str, Any]]:
        """Each fault with its JSON pointer, its rule and what is allowed."""
        faults: list[dict[str, Any]] = self.problem.get("errors", [])
        return faults


class Unreachable(Exception):
    """Nobody answered there. Nothing was lost: an event that was not taken can be sent again under the same id."""


class CredentialsRefused(Exception):
    """The sign-in provider or the broker knows this agency, or its key or password, not. An operator mends it."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(f"The credentials were refused: {description or error}")
        self.error = error
        self.description = description


class BadConnection(ValueError):
    """The connection file cannot be used; the message says which member, and what belongs there."""
