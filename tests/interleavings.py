"""Every order in which facts of several topics may arrive: order holds per key within a topic, and nowhere else."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from hypothesis import strategies as st

Fact = TypeVar("Fact")


def turns(*lengths: int) -> st.SearchStrategy[list[list[int]]]:
    """One merge of so many facts of each topic, cut into batches: the number of the topic whose next fact comes."""
    whose = [topic for topic, length in enumerate(lengths) for _ in range(length)]
    cuts = st.lists(st.booleans(), min_size=len(whose), max_size=len(whose))
    return st.builds(_cut, st.permutations(whose), cuts)


def _cut(order: Sequence[int], cuts: Sequence[bool]) -> list[list[int]]:
    batches: list[list[int]] = [[]]
    for topic, cut in zip(order, cuts, strict=True):
        if cut and batches[-1]:
            batches.append([])
        batches[-1].append(topic)
    return batches


def played(batches: Sequence[Sequence[int]], *topics: Sequence[Fact]) -> Iterator[list[Fact]]:
    """The facts of the topics in batches, as `turns` has them."""
    ahead = [iter(facts) for facts in topics]
    for batch in batches:
        yield [next(ahead[topic]) for topic in batch]
