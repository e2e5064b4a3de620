"""Any document that can be scanned, as its text. For a process that holds no secrets: see `apart`."""

import re

from services.rapid_review.redaction.document import Document, Part, Unreadable
from services.rapid_review.redaction.reading_docx import read_docx
from services.rapid_review.redaction.reading_pdf import read_pdf
from shared.documents import DOCX, PDF, TEXT

_CANNOT_BE_TOLD = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]")
_COMMON = re.compile(r"\b(?:the|and|of|to|in|was|were|is|for|that|with|on|not|by|an?)\b", re.IGNORECASE)
_ENOUGH = 600
"""Letters: so many without one of the commonest words of English were not read as they are."""
_MOST_UNTOLD = 0.02


def read(content: bytes, media_type: str) -> Document:
    """Raises Unreadable for whatever cannot be read whole: it was not scanned then, and never "nothing found"."""
    reader = _READERS.get(media_type)
    if reader is None:
        raise Unreadable("type")
    document = reader(content)
    for part in document.body:
        if _garbled(part.text):
            raise Unreadable("garbled")
    return document


def _plain(content: bytes) -> Document:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable("garbled") from None
    if not text.strip():
        raise Unreadable("no-text")
    return Document(tuple(Part(f"paragraph {n}", words) for n, words in enumerate(re.split(r"\n\s*\n", text), 1)))


def _garbled(text: str) -> bool:
    """Letters drawn by a font that does not say which they are come out as others."""
    untold = len(_CANNOT_BE_TOLD.findall(text))
    letters = sum(map(str.isalpha, text))
    return untold > _MOST_UNTOLD * max(len(text), 1) or (letters >= _ENOUGH and not _COMMON.search(text))


_READERS = {PDF: read_pdf, DOCX: read_docx, TEXT: _plain}
