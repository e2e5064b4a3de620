"""Whatever stands in a document or beside it is read, and what cannot be read whole has failed."""

import asyncio
import io
import struct
import time
import zipfile
import zlib
from datetime import date

import pikepdf
import pytest
import typst

from contracts.review_codes import Found, Scan
from services.rapid_review.redaction import Document, Known, Unreadable, scan_document, scanned_apart
from services.rapid_review.redaction.reading import read
from shared.documents import DOCX, PDF, TEXT

KNOWN = Known(names=frozenset({"Zebediah Featherstonehaugh"}), dates=frozenset({date(2026, 3, 3)}))
PLAIN = "The practitioners who worked with the family met, and it was agreed that the plan was not good enough. "
DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
WP = 'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'


def pdf(body: str, before: str = "") -> bytes:
    return typst.compile(f"{before}\n{body}".encode())


def docx(body: str, **parts: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("[Content_Types].xml", f"{DECLARED}<Types/>")
        archive.writestr("word/document.xml", f"{DECLARED}<w:document {W} {WP}><w:body>{body}</w:body></w:document>")
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", f"{DECLARED}{content}")
    return held.getvalue()


def picture() -> str:
    """A grey pixel, as the typesetter takes it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\x00\x80")) + chunk(b"IEND", b"")
    return f"#image(bytes({tuple(png)}))"


def paragraph(*runs: str) -> str:
    return f"<w:p>{''.join(f'<w:r><w:t>{run}</w:t></w:r>' for run in runs)}</w:p>"


def named(document: Document) -> list[str]:
    """Where the scan finds the name."""
    return [finding.where for finding in scan_document(document, KNOWN).findings if finding.what is Found.NAME]


def why_not(content: bytes, media_type: str) -> str:
    with pytest.raises(Unreadable) as unreadable:
        read(content, media_type)
    scanned = asyncio.run(scanned_apart(content, media_type, KNOWN))
    assert (scanned.result, scanned.why) == (Scan.FAILED, unreadable.value.why), "apart it is the same"
    return unreadable.value.why


def test_a_plain_report_that_names_nobody_has_nothing_in_it() -> None:
    for content, kind in ((pdf(PLAIN), PDF), (docx(paragraph(PLAIN)), DOCX), (PLAIN.encode(), TEXT)):
        scanned = asyncio.run(scanned_apart(content, kind, KNOWN))
        assert (scanned.result, scanned.counts, scanned.why) == (Scan.NOTHING_FOUND, (), None)


def test_a_name_is_told_with_its_page() -> None:
    document = read(pdf(f"{PLAIN} #pagebreak() Zebediah was seen. #pagebreak() {PLAIN}"), PDF)
    assert named(document) == ["page 2"]


def test_a_name_that_a_lines_end_or_a_pages_end_parts_is_found() -> None:
    narrow = '#set page(width: 90pt, margin: 10pt)\n#set text(hyphenate: true, lang: "en")\n'
    assert named(read(pdf("The plan of Featherstonehaugh and of the others", narrow), PDF)) == ["page 1"]
    parted = read(pdf(f"{PLAIN} It was on 3 March #pagebreak() 2026 that the others met."), PDF)
    (found,) = scan_document(parted, KNOWN).findings
    assert (found.where, found.possible) == ("page 1", False)


def test_words_under_a_black_bar_are_read() -> None:
    barred = f"{PLAIN} #box[Zebediah #place(top + left, rect(width: 60pt, height: 10pt, fill: black))]"
    assert named(read(pdf(barred), PDF)) == ["page 1"]


def test_what_stands_beside_the_pages_of_a_pdf_is_read() -> None:
    source = pdf(
        f'= Summary\n{PLAIN} #figure(rect[x], alt: "Drawing by Zebediah")',
        '#set document(title: "Review", author: "Business unit", keywords: "Zebediah")',
    )
    document = read(source, PDF)
    where = named(document)
    assert any("Alt" in each for each in where)
    assert "property Keywords" in where
    told = [finding for finding in scan_document(document, KNOWN).findings if finding.what is Found.METADATA]
    assert {"property Author", "property Title", "property Keywords"} <= {finding.where for finding in told}


def test_a_comment_on_a_page_is_told_and_its_words_are_read() -> None:
    held = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(PLAIN))) as document:
        comment = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Text,
            Rect=[0, 0, 9, 9],
            Contents="Is this Zebediah?",
            T="Unit",
        )
        document.pages[0].Annots = document.make_indirect(pikepdf.Array([comment]))
        document.save(held)
    read_ = read(held.getvalue(), PDF)
    assert named(read_) == ["beside the pages (comment)"]
    assert {"Is this Zebediah?", "Unit"} <= {part.text for part in read_.beside if part.telling}


def test_a_file_that_was_saved_over_is_told_to_hold_earlier_versions() -> None:
    twice = pdf(PLAIN)
    twice += twice[twice.rindex(b"startxref") :]
    assert "earlier versions in the file" in [part.where for part in read(twice, PDF).beside if part.telling]
    assert "earlier versions in the file" not in [part.where for part in read(pdf(PLAIN), PDF).beside]


def test_a_page_without_text_fails_the_whole_and_a_picture_beside_text_is_told() -> None:
    told = read(pdf(f"{PLAIN} {picture()}"), PDF).unread
    assert told == ("page 1: 1 picture",)
    for page in (picture(), "#rect(fill: black)"):
        assert why_not(pdf(f"{PLAIN} #pagebreak() {page}"), PDF) == "no-text"
    assert why_not(pdf(""), PDF) == "no-text"


def test_an_encrypted_a_damaged_and_an_unknown_document_fail() -> None:
    held = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(PLAIN))) as document:
        document.save(held, encryption=pikepdf.Encryption(owner="a", user="b"))
    assert why_not(held.getvalue(), PDF) == "encrypted"
    assert why_not(pdf(PLAIN)[:300], PDF) == "damaged"
    assert why_not(b"PK\x03\x04 not a zip", DOCX) == "damaged"
    assert why_not(docx("<w:p>"), DOCX) == "damaged"
    assert why_not(b"", TEXT) == "no-text"
    assert why_not(b"x", "image/png") == "type"


def test_letters_that_a_font_does_not_tell_fail() -> None:
    shifted = PLAIN.translate({n: n + 1 for n in range(97, 122)}) * 10
    assert why_not(shifted.encode(), TEXT) == "garbled"
    assert why_not(f"{PLAIN} \ue001\ue002\ue003".encode(), TEXT) == "garbled"


def test_every_paragraph_of_a_word_document_is_read_wherever_it_stands() -> None:
    box = f"<w:p><w:r><w:pict><w:txbxContent>{paragraph('Zebediah')}</w:txbxContent></w:pict></w:r></w:p>"
    cell = f"<w:tbl><w:tr><w:tc>{paragraph('Zebe', 'diah')}</w:tc></w:tr></w:tbl>"
    parts = {
        f"word__{name}": f"<w:x {W}>{paragraph('Zebediah’s')}</w:x>" for name in ("header1", "footnotes", "footer2")
    }
    document = read(docx(paragraph(PLAIN) + box + cell, **parts), DOCX)
    assert named(document) == [
        "paragraph 3",
        "paragraph 4",
        "paragraph 1 of footer2",
        "paragraph 1 of footnotes",
        "paragraph 1 of header1",
    ]


def test_what_stands_beside_a_word_document_is_told() -> None:
    deleted = '<w:p><w:del w:author="An author"><w:r><w:delText>Zebediah</w:delText></w:r></w:del></w:p>'
    drawing = '<w:p><w:r><wp:docPr descr="Zebediah at play"/></w:r></w:p>'
    comments = f'<w:comments {W}><w:comment w:author="Another">{paragraph("Who is this?")}</w:comment></w:comments>'
    core = '<c:core xmlns:c="c" xmlns:d="d"><d:creator>Somebody</d:creator><d:title>Review</d:title></c:core>'
    content = docx(paragraph(PLAIN) + deleted + drawing, word__comments=comments, docProps__core=core)
    document = read(content, DOCX)
    assert named(document) == ["paragraph 2", "alternative text in document"]
    assert {part.where: part.text for part in document.beside if part.telling} == {
        "property creator": "Somebody",
        "property title": "Review",
        "comment 1": "Who is this?",
        "author of comments or changes in comments": "Another",
        "author of comments or changes in document": "An author",
        "tracked changes in document": "1 tracked",
    }


def test_an_entity_in_a_word_document_reaches_no_file() -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        planted = f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><w:document {W}><w:body><w:p><w:r><w:t>'
        archive.writestr("word/document.xml", f"{planted}{PLAIN}&f;</w:t></w:r></w:p></w:body></w:document>")
    assert [part.text.strip() for part in read(held.getvalue(), DOCX).body] == [PLAIN.strip()]


def test_a_report_of_sixty_pages_is_read_and_scanned_within_two_seconds() -> None:
    pages = " #pagebreak() ".join(f"{PLAIN * 28} Zebediah was seen on 3 March 2026." for _ in range(60))
    content = pdf(pages)
    began = time.process_time()
    document = read(content, PDF)
    scanned = scan_document(document, KNOWN)
    assert time.process_time() - began < 2
    assert len(document.body) >= 60
    assert {each.what: each.count for each in scanned.counts} == {Found.NAME: 60, Found.DATE: 60}
