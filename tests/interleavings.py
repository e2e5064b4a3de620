"""Every order in which facts of several topics may arrive: order holds per key within a topic, and nowhere else.

A reaction must lead to the same state whichever it is. Fold your own pure reaction over them all:

    same_whatever_the_order(react, initial, [incident_facts, calendar_facts])
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Fact = TypeVar("Fact")
State = TypeVar("State")


def interleavings(lists: Sequence[Sequence[Fact]]) -> Iterator[tuple[Fact, ...]]:
    """Every merge of the lists that keeps each one's own order; two of 4 facts have 70."""
    if not any(lists):
        yield ()
        return
    for number, facts in enumerate(lists):
        if facts:
            rest = [*lists[:number], facts[1:], *lists[number + 1 :]]
            for tail in interleavings(rest):
                yield (facts[0], *tail)


def same_whatever_the_order(
    react: Callable[[State, Fact], State], initial: State, lists: Sequence[Sequence[Fact]]
) -> State:
    """The final state that every interleaving leads to. AssertionError with the two orders where they differ."""
    found: tuple[State, tuple[Fact, ...]] | None = None
    for order in interleavings(lists):
        state = initial
        for fact in order:
            state = react(state, fact)
        if found is None:
            found = state, order
        assert state == found[0], (
            f"the order matters:\n  {_shown(found[1])}\n  leads to {found[0]}\n  {_shown(order)}\n  leads to {state}"
        )
    assert found is not None
    return found[0]


def _shown(order: Sequence[object]) -> str:
    return " -> ".join(str(fact) for fact in order)
