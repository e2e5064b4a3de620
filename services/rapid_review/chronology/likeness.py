"""When two entries say the same in nearly the same words.

The measure: Dice's share of common words, each counted as often as it stands, without regard to case, punctuation and
order. Words that turn a sentence round are held to be the same exactly: every number, and every negation. "Child seen"
and "child not seen" are nearly the same words and never the same entry.
"""

import re
from collections import Counter
from dataclasses import dataclass

ALIKE = 0.9
"""The least share of words in common."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NEGATIONS = frozenset(
    ["no", "not", "none", "never", "neither", "nor", "nobody", "nothing", "nowhere", "without", "cannot"]
)


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of an entry, ready to be compared; `sense` are those that turn it round."""

    words: Counter[str]
    length: int
    sense: tuple[str, ...]


def reading(text: str | None) -> Reading:
    """The words of a text. One without any is like no other."""
    found = [word.replace("’", "'") for word in _WORD.findall((text or "").casefold())]
    return Reading(Counter(found), len(found), tuple(sorted(filter(_turns_round, found))))


def alike(one: Reading, other: Reading) -> bool:
    """Nearly the same words, whatever their sense."""
    together = one.length + other.length
    if 2 * min(one.length, other.length) < ALIKE * together or together == 0:
        return False
    if one.words == other.words:
        return True
    return 2 * (one.words & other.words).total() >= ALIKE * together


def same_sense(one: Reading, other: Reading) -> bool:
    """The same numbers and the same negations."""
    return one.sense == other.sense


def _turns_round(word: str) -> bool:
    return word in _NEGATIONS or word.endswith("n't") or any(each.isdigit() for each in word)
