"""Names in a text: whole or in part, shortened, hyphenated, run together, possessive, as initials."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from contracts.review_codes import Found
from services.rapid_review.redaction.finding import Finding
from services.rapid_review.redaction.folding import Folded, fold
from services.rapid_review.redaction.word_lists import ABBREVIATIONS, COMMON_WORDS, NICKNAMES, PARTICLES, TITLES

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_SPACED_OUT = re.compile(r"(?<![^\W\d_])(?:[^\W\d_][ .]){2,}[^\W\d_](?![^\W\d_])")
_LETTERS = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"[a-z][A-Z]")
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_INITIALS = re.compile(r"(?<![^\W_])(?:[A-Z](?:\.\s?[A-Z])+\.?|[A-Z]{2,6})(?![^\W_])")
SHORT = 2
"""Letters: a name so short is found only where it is written large."""

Forms = Mapping[str, bool]
"""Folded words, and whether each is no more than possibly the name."""


def forms(names: Iterable[str]) -> Forms:
    """Every single word that can stand for one of the names."""
    found: dict[str, bool] = {}
    for name in names:
        words = _parts(name)
        for word in words:
            found[word] = _doubtful(word)
        for word in words:
            for short in _nicknames().get(word, ()):
                found.setdefault(short, True)
        for run_together in _run_together(words):
            found.setdefault(run_together, False)
    return found


def _parts(name: str) -> list[str]:
    """The words of a name that alone can tell who it is, and hyphenated ones put together."""
    parts = list[str]()
    for token in re.split(r"[\s,.;/()]+", fold(name).text):
        pieces = [re.sub(r"[^\w]", "", piece) for piece in token.split("-")]
        whole = "".join(pieces)
        if len(pieces) > 1 and len(whole) > SHORT:
            parts.append(whole)
        parts += pieces
        if "'" in token:  # O'Neill is written O Neill, too
            parts += [piece for piece in re.split(r"['-]", token) if len(piece) > SHORT]
    return [part for part in dict.fromkeys(parts) if len(part) > 1 and part not in TITLES | PARTICLES]


def _run_together(words: list[str]) -> Iterator[str]:
    """As in an address for mail or the name of a file."""
    if len(words) > 1:
        yield from ("".join(words), words[0] + words[-1], words[-1] + words[0], words[0][0] + words[-1])


@cache
def _nicknames() -> Mapping[str, frozenset[str]]:
    """By first name, its short forms; by short form, what it can be short for."""
    known: dict[str, set[str]] = {}
    for line in NICKNAMES.strip().splitlines():
        for group in line.split("|"):
            full, *short = group.split()
            known.setdefault(full, set()).update(short)
            for each in short:
                known.setdefault(each, set()).add(full)
    return {name: frozenset(others) for name, others in known.items()}


def _doubtful(word: str) -> bool:
    return word in COMMON_WORDS or len(word) <= SHORT


def names_in(folded: Folded, known: Forms) -> Iterator[Finding]:
    """Every word that can be one of the names."""
    never: set[str] = set()  # a report has few different words, and hardly one of them is a name
    for found in _WORD.finditer(folded.text):
        word = found.group()
        if word in never:
            continue
        if _looked_up(word, known, large=True) is None:
            never.add(word)
            continue
        large = folded.starts_large(found.start()) or _in_an_address(folded.text, *found.span())
        possible = _looked_up(word, known, large=large)
        if possible is not None:
            yield Finding(Found.NAME, *folded.span(found.start(), found.end()), possible=possible)
    for found in _SPACED_OUT.finditer(folded.text):
        possible = _looked_up(re.sub(r"[ .]", "", found.group()), known, large=folded.starts_large(found.start()))
        if possible is not None:
            yield Finding(Found.NAME, *folded.span(found.start(), found.end()), possible=possible)
    for camel in _camels(folded.original):
        for piece in _PIECE.finditer(camel.group()):
            if len(piece.group()) > SHORT and piece.group().lower() in known:
                start = camel.start() + piece.start()
                yield Finding(Found.NAME, start, start + len(piece.group()), possible=True)


def _camels(text: str) -> Iterator[re.Match[str]]:
    """The words with a capital within."""
    done = 0
    for found in _CAMEL.finditer(text):
        if found.start() >= done:
            start = found.start()
            while start > done and text[start - 1].isalpha():
                start -= 1
            word = _LETTERS.match(text, start)
            if word is not None:
                done = word.end()
                yield word


def _in_an_address(text: str, start: int, end: int) -> bool:
    """Whether a word is a part of an address for mail or of a file's name, where no capitals are used."""
    return (
        text[end : end + 1] in ("_", "@")
        or text[start - 1 : start] in ("_", "@")
        or bool(re.match(r"\.[^\W\d_]", text[end : end + 2]))
    )


def _looked_up(word: str, known: Forms, *, large: bool) -> bool | None:
    """Whether a word is only possibly a name; None if it is none. A common word must be written large."""
    for form, doubt in _readings(word):
        if form in known and (large or not _doubtful(form)):
            return known[form] or doubt
    return None


def _readings(word: str) -> Iterator[tuple[str, bool]]:
    """A word, and what it is a possessive or a plural of."""
    whole = word.replace("'", "")
    yield whole, False
    if whole.endswith("s"):
        yield whole[:-1], not word.endswith("'s")
    if whole.endswith("es"):
        yield whole[:-2], True
    if "'" in word:
        for piece in word.split("'"):
            if len(piece) > SHORT:
                yield piece, True


def initials_in(text: str, names: Iterable[str]) -> Iterator[Finding]:
    """Somebody's initials, with full stops or in capitals; all of them no more than possible."""
    known = {initials for name in names for initials in _initials(name)}
    if not known:
        return
    for found in _INITIALS.finditer(text):
        letters = re.sub(r"[.\s]", "", found.group())
        if "." not in found.group():
            is_theirs = letters in known and letters.lower() not in ABBREVIATIONS
        else:  # the next sentence may begin with a letter that stands alone
            is_theirs = any(letters[:end] in known or letters[-end:] in known for end in range(2, len(letters) + 1))
        if is_theirs:
            yield Finding(Found.NAME, found.start(), found.end(), possible=True)


def _initials(name: str) -> Iterator[str]:
    """All of somebody's initials, and the first with the last."""
    letters = [word[0].upper() for word in re.split(r"[\s,.]+", fold(name).text) if word and word not in TITLES]
    if len(letters) > 1:
        yield "".join(letters)
        yield letters[0] + letters[-1]
