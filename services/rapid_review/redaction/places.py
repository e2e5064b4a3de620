"""Places by their words, and identifiers however they are spaced."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

from contracts.review_codes import Found
from services.rapid_review.redaction.finding import Finding
from services.rapid_review.redaction.folding import Folded, fold
from services.rapid_review.redaction.word_lists import GENERIC, STREETS

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_BETWEEN = re.compile(r"[\s,.'\-/()]{0,6}")
TELLING = 4
"""Letters: a word of a place so long, and not a generic one, tells the place alone."""
SURE = 4
"""Characters: a shorter identifier is no more than possible."""
LONG = 8
"""Characters: an identifier so long is found within other letters, too."""

Phrase = tuple[str, ...]


def phrases(places: Iterable[str]) -> tuple[frozenset[Phrase], frozenset[str]]:
    """The parts of the places as words, without the numbers of houses; and the single words that tell a place."""
    found, telling = set[Phrase](), set[str]()
    for place in places:
        for part in re.split(r"[,;\n]+", fold(place).text):
            words = [_short(word) for word in _TOKEN.findall(part)]
            telling |= {word for word in words if len(word) >= TELLING and word.isalpha() and word not in GENERIC}
            while words and (words[0].isdigit() or re.fullmatch(r"\d+[a-z]", words[0])):
                words.pop(0)
            if len(words) > 1 and not all(word in GENERIC for word in words):
                found.add(tuple(words))
    return frozenset(found), frozenset(telling)


def _short(word: str) -> str:
    plain = word.replace("'", "")
    return STREETS.get(plain, plain)


def places_in(folded: Folded, known: tuple[frozenset[Phrase], frozenset[str]]) -> Iterator[Finding]:
    """Every place by its words in order; a telling word alone, written large, is possible."""
    whole, telling = known
    if not whole and not telling:
        return
    beginning: dict[str, list[Phrase]] = {}
    for phrase in whole:
        beginning.setdefault(phrase[0], []).append(phrase)
    short = lru_cache(maxsize=None)(_short)
    tokens = [(short(each.group()), each.start(), each.end()) for each in _TOKEN.finditer(folded.text)]
    for number, (word, start, end) in enumerate(tokens):
        for phrase in beginning.get(word, ()):
            following = tokens[number : number + len(phrase)]
            if tuple(token[0] for token in following) == phrase and _together(folded.text, following):
                yield Finding(Found.PLACE, *folded.span(start, following[-1][2]))
        singular = word[:-1] if word.endswith("s") else word
        if (word in telling or singular in telling) and folded.starts_large(start):
            yield Finding(Found.PLACE, *folded.span(start, end), possible=True)


def _together(text: str, tokens: list[tuple[str, int, int]]) -> bool:
    return all(_BETWEEN.fullmatch(text, before[2], after[1]) for before, after in pairwise(tokens))


def identifiers_in(folded: Folded, known: Iterable[str]) -> Iterator[Finding]:
    """Every identifier, with whatever spaces, points and dashes are between its characters."""
    for identifier in known:
        characters = [character for character in fold(identifier).text if character.isalnum()]
        if not characters:
            continue
        pattern = r"[\s.\-/]{0,3}".join(map(re.escape, characters))
        inner = len(characters) >= LONG
        before, after = (_side(character, inner) for character in (characters[0], characters[-1]))
        for found in re.finditer(rf"(?<!{before}){pattern}(?!{after})", folded.text):
            yield Finding(Found.IDENTIFIER, *folded.span(*found.span()), possible=len(characters) < SURE)


def _side(character: str, inner: bool) -> str:
    """What may not stand beside it, or it would be part of something longer."""
    if inner:
        return r"\d" if character.isdigit() else r"[^\W\d_]"
    return r"[^\W_]"
