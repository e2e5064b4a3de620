"""A document as the scanner reads it: its body in parts, and what stands beside the body."""

from dataclasses import dataclass

UNREADABLE = {
    "encrypted": "It is protected by a password: save it without.",
    "damaged": "It cannot be read as what it is: save it again.",
    "no-text": "A page is a picture, with no text in it that can be read: save the report as text.",
    "garbled": "Its letters cannot be told from its text layer: save it again with its fonts' letters, or as DOCX.",
    "too-much": "It takes too much work to read.",
    "type": "Only PDF, DOCX and plain text can be scanned.",
}
"""Why a document could not be scanned, with the remedy."""


class Unreadable(Exception):
    """It was not scanned; `why` is a key of `UNREADABLE`."""

    def __init__(self, why: str) -> None:
        super().__init__(UNREADABLE[why])
        self.why = why


@dataclass(frozen=True, repr=False)
class Part:
    """Some text and where it stands. `telling`: metadata that a reader of the document can be told something by."""

    where: str
    text: str
    telling: bool = False


@dataclass(frozen=True, repr=False)
class Document:
    """The body in reading order; beside it properties, comments, alternative texts; and what holds no text to read."""

    body: tuple[Part, ...]
    beside: tuple[Part, ...] = ()
    unread: tuple[str, ...] = ()
