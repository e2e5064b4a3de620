"""What the scanner found, and where: for the eyes of whoever checks, never for a fact or a log."""

from dataclasses import dataclass

from contracts.review_codes import Found


@dataclass(frozen=True, repr=False)
class Finding:
    """One place. `start` and `end` are in the text that was scanned; `possible`: it may be something else.

    `where` is for people ("page 3", "property Author"); `words` are those found, `around` with some before and after.
    """

    what: Found
    start: int
    end: int
    possible: bool = False
    where: str = ""
    words: str = ""
    around: str = ""
