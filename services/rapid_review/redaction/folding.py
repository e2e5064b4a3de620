"""Text made comparable: small letters without diacritics, one kind of dash and apostrophe, nothing invisible.

Every letter still knows where it stood, so that a finding can be shown in the words as they are.
"""

import re
import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])-[ \t]*\r?\n[ \t]*(?=[^\W\d_])")
_AS = {
    **dict.fromkeys("’‘ʼʹ′´＇", "'"),
    **{"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"},
    "−": "-",
    "\u00ad": "-",  # a soft hyphen that shows stands at a line's end; within a line it is dropped below
}
_WITHIN_A_LINE = re.compile("\u00ad(?![ \t]*\r?\n)")


@dataclass(frozen=True, repr=False)
class Folded:
    """Comparable text; `at[n]` is where its nth character stood in the original."""

    text: str
    at: "array[int]"
    original: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of a part that is not empty."""
        return self.at[start], self.at[end - 1] + 1

    def starts_large(self, start: int) -> bool:
        """Whether the original has a capital there."""
        return self.original[self.at[start]].isupper()


def fold(text: str) -> Folded:
    """Text made comparable."""
    folded, at, done = list[str](), array("L"), 0
    invisible = {found.start() for found in _WITHIN_A_LINE.finditer(text)}
    for found in _NOT_ASCII.finditer(text):
        here = found.start()
        folded.append(text[done:here].lower())
        at.extend(range(done, here))
        if here not in invisible:
            letters = _folded(found.group())
            folded.append(letters)
            at.extend([here] * len(letters))
        done = here + 1
    folded.append(text[done:].lower())
    at.extend(range(done, len(text)))
    return Folded("".join(folded), at, text)


def mended(folded: Folded) -> Folded | None:
    """The same with words put together again that a line's end parts; None if there is none."""
    kept, at, done = list[str](), array("L"), 0
    for found in _BROKEN_WORD.finditer(folded.text):
        kept.append(folded.text[done : found.start()])
        at.extend(folded.at[done : found.start()])
        done = found.end()
    if not done:
        return None
    kept.append(folded.text[done:])
    at.extend(folded.at[done:])
    return Folded("".join(kept), at, folded.original)


@lru_cache(maxsize=4096)
def _folded(letter: str) -> str:
    small = letter.casefold()
    if small in _AS:
        return _AS[small]
    kind = unicodedata.category(letter)
    if kind == "Pd":
        return "-"
    if kind in ("Cf", "Mn"):
        return ""
    plain = "".join(each for each in unicodedata.normalize("NFKD", small) if unicodedata.category(each) != "Mn")
    return "".join(_AS.get(each, each) for each in plain)
