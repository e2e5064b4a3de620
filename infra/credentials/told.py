"""What a command of this folder has to say: what was done, what was tried, and secrets, which are said once."""

from dataclasses import dataclass, field

from infra.credentials.attempts import Tried


class NotNow(Exception):
    """It cannot be done as asked; says what to do instead."""


@dataclass
class Told:
    """Lines for the operator; what was tried; and each new secret under the name of the file that it would be kept in.

    Nothing that prints or logs one of these shows a secret.
    """

    lines: list[str] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def holds(self) -> bool:
        """Whether everything tried came out as it should."""
        return all(one.holds for one in self.tried)
