"""Which subjects may be one child, told from keyed tokens so that no name or date is kept in clear.

A trait becomes a token by HMAC under a key of the partnership's own, so tokens of two partnerships never meet, and
without the key none can be guessed back. Likeness of names is told from their letter pairs, each bound to the date of
birth or the address it came with. The vault proposes; a person decides.
"""

import hmac
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from contracts.vault import Likeness

LIKE_ENOUGH = 0.7
"""The least share (Dice) of letter pairs that two names must have in common to be alike."""

_WHOLE = {
    "nhs": Likeness.SAME_NHS_NUMBER,
    "upn": Likeness.SAME_UPN,
    "name+dob": Likeness.SAME_NAME_AND_DATE_OF_BIRTH,
}
_PAIRS = {
    "pair+dob": Likeness.LIKE_NAME_AND_SAME_DATE_OF_BIRTH,
    "pair+address": Likeness.LIKE_NAME_AND_SAME_ADDRESS,
}


@dataclass(frozen=True)
class Trait:
    """One token of a subject; `name` says what it was made from."""

    name: str
    token: bytes


@dataclass(frozen=True)
class KnownTrait:
    """A stored token that a new subject shares, and whose it is."""

    subject: str
    trait: str
    token: bytes


@dataclass
class Found:
    """What one known subject has in common with the new one."""

    likenesses: list[Likeness] = field(default_factory=list)


def traits(identity: Mapping[str, Any], key: bytes) -> frozenset[Trait]:
    """The tokens of an identity in wire form. One without a name, date or number has none."""
    return frozenset(Trait(name, _token(key, name, value)) for name, value in _values(identity))


def _values(identity: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for wire, name in (("nhsNumber", "nhs"), ("upn", "upn")):
        if value := identity.get(wire):
            yield name, str(value)
    # an unborn child stands under the mother's name with an expected date, which is as good a mark as a birth date
    born = identity.get("dateOfBirth") or identity.get("expectedDateOfDelivery")
    place = _plain(str(identity.get("address") or ""))
    for name in [identity.get("name"), *(identity.get("otherNames") or ())]:
        words = sorted(_plain(str(name or "")).split())
        if not words:
            continue
        if born:
            yield "name+dob", f"{' '.join(words)}|{born}"
            yield from (("pair+dob", f"{pair}|{born}") for pair in _pairs(words))
        if place:
            yield from (("pair+address", f"{pair}|{place}") for pair in _pairs(words))


def _plain(text: str) -> str:
    """Lower case, without accents or punctuation, spaces single: how two clerks would write the same thing alike."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in letters if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w\s]", "", kept).split())


def _pairs(words: Iterable[str]) -> set[str]:
    """The letter pairs of each word, its ends included, so that beginnings weigh."""
    return {pair for word in words for pair in map("".join, zip(f"^{word}", f"{word}$", strict=True))}


def _token(key: bytes, name: str, value: str) -> bytes:
    return hmac.new(key, f"{name}|{value}".encode(), sha256).digest()[:16]


def alike(
    new: frozenset[Trait], shared: Iterable[KnownTrait], sizes: Mapping[tuple[str, str], int]
) -> dict[str, tuple[Likeness, ...]]:
    """The known subjects that are likely the new one, each with why.

    `shared` are the stored tokens equal to one of `new`; `sizes` says how many tokens of a pair trait each of their
    subjects has altogether.
    """
    own = Counter(trait.name for trait in new)
    found: dict[str, Found] = {}
    counted: Counter[tuple[str, str]] = Counter()
    for known in shared:
        if known.trait in _WHOLE:
            found.setdefault(known.subject, Found()).likenesses.append(_WHOLE[known.trait])
        else:
            counted[(known.subject, known.trait)] += 1
    for (subject, trait), common in counted.items():
        if 2 * common / (own[trait] + sizes[(subject, trait)]) >= LIKE_ENOUGH:
            found.setdefault(subject, Found()).likenesses.append(_PAIRS[trait])
    return {subject: tuple(sorted(set(one.likenesses))) for subject, one in found.items()}
