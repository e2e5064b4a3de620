"""Facts that are for some agencies alone, whatever the ceiling of their type and an agreement would open."""

from abc import abstractmethod
from typing import ClassVar

from contracts.sealing import Model


class ForSome(Model):
    """What such a fact says. Whoever shows facts asks it besides everything else: `isinstance(fact.data, ForSome)`."""

    for_whom: ClassVar[str]
    """In words, as the catalogue's pages say it."""

    @abstractmethod
    def is_for(self, agency: str, authority: str | None) -> bool:
        """Whether it exists for an agency at all. `authority` is the one that holds the duty for the incident; None
        where that is not known, and then nobody is it."""
