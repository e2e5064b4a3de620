"""What one access decision costs: pure, so no stack is needed; over every kind of agency, role and event type."""

import time
from collections.abc import Iterator
from datetime import date
from itertools import product

from contracts.access import Agreement, Incidents, Matter, Party, may_propose, visible_fields
from contracts.catalogue import CATALOGUE
from contracts.codes import AgencyType, Role
from tests.bench.verdicts import Promise, Row, Spread

PROMISE = Promise("one decision in microseconds (under 20)", most=20, of="ours")
AREA = "E06000991"


def measure(*, quick: bool) -> Iterator[Row]:
    """What a party may see of an event, and whether it may propose one: the longer of the two is the row's figure."""
    rounds = 3 if quick else 9
    asked = list(_questions())
    sees, says = [], []
    for _ in range(rounds):
        began = time.process_time()
        for party, name, agreement, matter in asked:
            visible_fields(party, name, agreement, matter)
        sees.append((time.process_time() - began) / len(asked) * 1e6)
        began = time.process_time()
        for party, name, agreement, matter in asked:
            may_propose(party, name, agreement, matter)
        says.append((time.process_time() - began) / len(asked) * 1e6)
    seen, said = Spread(tuple(sees)), Spread(tuple(says))
    yield Row(
        "access, one decision",
        PROMISE,
        "µs",
        max(seen.middle, said.middle),
        None,
        f"{len(asked):,} questions: every type of event, agency and role, of an incident that is theirs, another's, and"
        f" one they are shut out of; processor time, {rounds} rounds",
        f"what may be seen {seen}; what may be proposed {said}",
    )


def _questions() -> Iterator[tuple[Party, str, Agreement, Matter]]:
    everything = frozenset(CATALOGUE)
    own = Matter("northshire", frozenset({"one"}), frozenset({"one", "two"}), frozenset({AREA}))
    another = Matter("northshire", frozenset({"two"}), frozenset({"two", "three"}), frozenset({"E06000992"}))
    shut_out = Matter(own.partnership, own.referrers, own.participants, own.areas, frozenset({"one"}))
    agreement = Agreement(
        "one", "northshire", 1, "a basis", date(2027, 4, 1), everything, everything, frozenset(Incidents)
    )
    for name, kind, role, matter in product(CATALOGUE, AgencyType, [None, *Role], (own, another, shut_out)):
        roles = frozenset({role} if role else ())
        yield Party("one", kind, frozenset({AREA}), "somebody" if role else None, roles), name, agreement, matter
