"""The text of a Word document paragraph by paragraph, every part of it, and what stands beside it.

Read from the parts themselves: a library for writing such documents passes over text boxes, footnotes and tracked
changes, where what was taken out still stands. For a process that holds no secrets.
"""

import io
import zipfile
from collections.abc import Iterator

from lxml import etree

from services.rapid_review.redaction.document import Document, Part, Unreadable

_MAIN = "word/document.xml"
_PROPERTIES = ("docProps/core.xml", "docProps/app.xml", "docProps/custom.xml")
_TELLING = frozenset(
    "creator lastModifiedBy title subject description keywords category contentStatus Manager Company lpwstr".split()  # noqa: SIM905
)
_CHANGES = frozenset(("ins", "del", "moveFrom", "moveTo"))
_TEXT = frozenset(("t", "delText", "instrText", "delInstrText"))
_MOST = 60 * 1024 * 1024
_SAFE = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=False)


def read_docx(content: bytes) -> Document:
    """Raises Unreadable."""
    body, beside, unread = list[Part](), list[Part](), list[str]()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = sorted(archive.namelist(), key=lambda name: (name != _MAIN, name))
            if sum(part.file_size for part in archive.infolist()) > _MOST:
                raise Unreadable("too-much")
            for name in names:
                if name.endswith((".xml", ".rels")):
                    for part in _of(name, etree.fromstring(archive.read(name), _SAFE)):
                        (beside if part.telling or not name.startswith("word/") else body).append(part)
                elif name.startswith("word/media/"):
                    unread.append(f"{name.rpartition('/')[2]}: a picture")
    except (zipfile.BadZipFile, etree.XMLSyntaxError, KeyError, ValueError, EOFError, NotImplementedError):
        raise Unreadable("damaged") from None
    except RuntimeError:  # how zipfile says that a part is encrypted
        raise Unreadable("encrypted") from None
    if not any(part.text.strip() for part in body):
        raise Unreadable("no-text")
    return Document(tuple(body), tuple(beside), tuple(unread))


def _of(name: str, root: "etree._Element") -> Iterator[Part]:
    if name in _PROPERTIES:
        yield from _properties(root)
    elif name.endswith(".rels"):
        yield from _links(root)
    elif name.startswith("word/"):
        yield from _paragraphs(name, root)
        yield from _marks(name, root)


def _properties(root: "etree._Element") -> Iterator[Part]:
    for element in root.iter(etree.Element):
        words = (element.text or "").strip()
        if words and not len(element):
            yield Part(f"property {_local(element)}", words, telling=_local(element) in _TELLING)


def _links(root: "etree._Element") -> Iterator[Part]:
    for element in root.iter(etree.Element):
        if element.get("TargetMode") == "External":
            yield Part("a link's address", element.get("Target", ""))


def _paragraphs(name: str, root: "etree._Element") -> Iterator[Part]:
    place = "" if name == _MAIN else f" of {name.removeprefix('word/').removesuffix('.xml')}"
    comment = "comments" in name
    number = 0
    for element in root.iter(etree.Element):
        if _local(element) == "p":
            number += 1
            words = "".join(_words(element)).strip()
            if words:
                where = f"comment {number}" if comment else f"paragraph {number}{place}"
                yield Part(where, words, telling=comment)


def _words(paragraph: "etree._Element") -> Iterator[str]:
    """A paragraph's own words; a text box within it holds paragraphs of its own."""
    for child in paragraph:
        if not isinstance(child.tag, str):
            continue
        kind = _local(child)
        if kind in _TEXT:
            yield child.text or ""
        elif kind in ("tab", "br", "cr"):
            yield "\n" if kind != "tab" else "\t"
        elif kind in ("noBreakHyphen", "softHyphen"):
            yield "-" if kind == "noBreakHyphen" else ""
        elif kind != "p":
            yield from _words(child)


def _marks(name: str, root: "etree._Element") -> Iterator[Part]:
    """Who wrote and changed what, and the texts that stand for pictures."""
    place = name.removeprefix("word/").removesuffix(".xml")
    authors, changes = set[str](), 0
    for element in root.iter(etree.Element):
        changes += _local(element) in _CHANGES
        for key, value in element.attrib.items():
            local = str(key).rpartition("}")[2]
            if local == "author" and value:
                authors.add(str(value))
            elif local in ("descr", "title", "alt") and value:
                yield Part(f"alternative text in {place}", str(value))
            elif _local(element) == "bookmarkStart" and local == "name":
                yield Part(f"bookmark in {place}", str(value))
    for author in sorted(authors):
        yield Part(f"author of comments or changes in {place}", author, telling=True)
    if changes:
        yield Part(f"tracked changes in {place}", f"{changes} tracked", telling=True)


def _local(element: "etree._Element") -> str:
    return str(etree.QName(element).localname)
