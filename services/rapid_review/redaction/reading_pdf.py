"""The text of a PDF page by page, and every text that stands beside it. For a process that holds no secrets.

PDFium reads the pages as a browser does, so what is found is what a reader can select and copy: words under a black
bar among it. All other strings of the file (alternative texts, bookmarks, comments, fields) are read one by one.
"""

import io
import re
from collections.abc import Iterator

import pikepdf
import pypdfium2

from services.rapid_review.redaction.document import Document, Part, Unreadable

_PROPERTIES = ("/Author", "/Title", "/Subject", "/Keywords")
_COMMENTS = frozenset(
    "/Text /FreeText /Highlight /Underline /StrikeOut /Squiggly /Caret /Popup /Stamp".split()  # noqa: SIM905
)
_LINE_END = re.compile("[\ufffe\x02](?:\r?\n)?")
_LAST_WORDS = re.compile(rb"startxref\s+[0-9]+\s+%%EOF")
_MOST_STRINGS = 50_000
_DEEPEST = 60


def read_pdf(content: bytes) -> Document:
    """Raises Unreadable."""
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if pdf.is_encrypted:
                raise Unreadable("encrypted")
            beside = [*_properties(pdf), *_strings(pdf)]
    except pikepdf.PasswordError:
        raise Unreadable("encrypted") from None
    except (pikepdf.PdfError, RecursionError, ValueError):
        raise Unreadable("damaged") from None
    if len(_LAST_WORDS.findall(content)) > _written_once(content):
        beside.append(Part("earlier versions in the file", "saved over", telling=True))
    body, unread = _pages(content)
    return Document(tuple(body), tuple(beside), tuple(unread))


def _written_once(content: bytes) -> int:
    """A linearised file, made for reading while it comes, ends twice."""
    return 2 if b"/Linearized" in content[:2048] else 1


def _pages(content: bytes) -> tuple[list[Part], list[str]]:
    body, unread = list[Part](), list[str]()
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError:
        raise Unreadable("damaged") from None
    with document:
        for number in range(len(document)):
            page = document[number]
            text = _LINE_END.sub("-\n", page.get_textpage().get_text_bounded(errors="replace"))
            pictures = list(page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE], max_depth=4))
            where = f"page {number + 1}"
            if not text.strip() and (pictures or any(True for _ in page.get_objects(max_depth=1))):
                raise Unreadable("no-text")
            if pictures:
                unread.append(f"{where}: {len(pictures)} picture{'s' if len(pictures) > 1 else ''}")
            body.append(Part(where, text))
            page.close()
    if not any(part.text.strip() for part in body):
        raise Unreadable("no-text")
    return body, unread


def _properties(pdf: pikepdf.Pdf) -> Iterator[Part]:
    for key in _PROPERTIES:
        value = str(pdf.docinfo.get(key, "")).strip()
        if value:
            yield Part(f"property {key[1:]}", value, telling=True)
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as extended:
        for name, value in extended.items():
            said = value if isinstance(value, str) else " ".join(map(str, value))
            if name.rpartition("}")[2] in ("creator", "title", "description", "subject", "Author") and said.strip():
                yield Part(f"property {name.rpartition('}')[2]} (XMP)", said, telling=True)


def _strings(pdf: pikepdf.Pdf) -> Iterator[Part]:
    """Every string that is no property: it says something, and nobody sees it on the page."""
    info = pdf.trailer.get("/Info")
    own = info.objgen if info is not None and info.is_indirect else None
    left = _MOST_STRINGS
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Object) and thing.objgen == own:
            continue
        for path, value, telling in _within(thing, "", 0):
            left -= 1
            if not left:
                raise Unreadable("too-much")
            yield Part(f"beside the pages ({path or 'string'})", value, telling=telling)


def _within(thing: object, path: str, depth: int) -> Iterator[tuple[str, str, bool]]:
    if depth > _DEEPEST:
        raise Unreadable("too-much")
    if isinstance(thing, pikepdf.String):
        value = str(thing)
        if any(character.isalnum() for character in value):
            yield path, value, False
    elif isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        comment = str(thing.get("/Subtype", "")) in _COMMENTS and "/Rect" in thing
        for key, inner in thing.items():
            if isinstance(inner, pikepdf.Object) and inner.is_indirect:
                continue
            if key in ("/ID", "/Filter", "/DecodeParms"):
                continue
            for where, words, _ in _within(inner, key[1:], depth + 1):
                yield ("comment" if comment else where), words, comment and key in ("/Contents", "/T")
    elif isinstance(thing, pikepdf.Array):
        for item in thing:
            if not (isinstance(item, pikepdf.Object) and item.is_indirect):
                yield from _within(item, path, depth + 1)
