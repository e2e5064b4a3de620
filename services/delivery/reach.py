"""Whom a fact reaches, remembered: type, matter and directory decide, and many facts have all three in common."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache

from contracts.access import Matter
from contracts.directory import Directory
from contracts.envelope import AnyEvent
from services.delivery.rights import Matters, Recall, Sight, hidden, is_open, judged

REMEMBERED = 4096
"""Judgements of each kind; an incident has the same as every other of its area that the same agencies know of."""


class Reach:
    """The answers of `rights` under one edition of the directory."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._judged = lru_cache(REMEMBERED)(self._judge)
        self._reached = lru_cache(REMEMBERED)(self._reach)
        self.concerned = lru_cache(REMEMBERED)(self._concern)
        """The agencies to which an incident is open at all, whatever types they may read of it."""

    def sight(
        self,
        agency: str,
        fact: AnyEvent,
        matters: Matters,
        partnerships: Collection[str] | None = None,
        recall: Recall | None = None,
    ) -> Sight | None:
        """As `rights.sight`."""
        about = matters.of(fact)
        seen = self._judged(agency, fact.name, about) if about else None
        if seen is None or hidden(fact, agency, matters.authority(self.directory, fact.subject), recall):
            return None
        return seen if seen.within(partnerships) else None

    def readers(self, fact: AnyEvent, matters: Matters) -> dict[str, Sight]:
        """Every agency for which the fact exists, with what it sees of it."""
        about, authority = matters.of(fact), matters.authority(self.directory, fact.subject)
        reached = self._reached(fact.name, about) if about else {}
        return {agency: seen for agency, seen in reached.items() if not hidden(fact, agency, authority)}

    def lost(self, before: Matter, after: Matter) -> frozenset[str]:
        """The agencies from which something of an incident is taken: one that is asked may lose all but its request."""
        return self.concerned(before) - self.concerned(after) | self._whole(before) - self._whole(after)

    def _whole(self, matter: Matter) -> frozenset[str]:
        return self.concerned(replace(matter, asked=frozenset()) if matter.asked else matter)

    def _judge(self, agency: str, name: str, about: tuple[Matter, ...]) -> Sight | None:
        return judged(self.directory, agency, name, about)

    def _reach(self, name: str, about: tuple[Matter, ...]) -> Mapping[str, Sight]:
        found = {agency: self._judged(agency, name, about) for agency in self.directory.agencies}
        return {agency: seen for agency, seen in found.items() if seen is not None}

    def _concern(self, matter: Matter) -> frozenset[str]:
        return frozenset(agency for agency in self.directory.agencies if is_open(self.directory, agency, matter))


_latest: list[Reach] = []


def reach(directory: Directory) -> Reach:
    """The reach of a directory. Only the last asked for is kept: a process knows one edition at a time."""
    if not _latest or _latest[0].directory is not directory:
        _latest[:] = [Reach(directory)]
    return _latest[0]
