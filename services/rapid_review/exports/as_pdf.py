"""The copies as PDF: tagged, PDF/UA-1, the marking on every page; set by Typst."""

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

from contracts.review_exports import ExportedChronology, ExportedPack, ExportedRequest, ExportedReview
from services.rapid_review.exports import laid_out

HOME = Path(__file__).parent
BEYOND_OUR_FONTS = re.compile("[^\\n -~\u00a1-\u00ac\u00ae-\u017f\u0391-\u03a1\u03a3-\u03c9\u0410-\u044f‐-‧€]")
"""Outside what the fonts in the package surely draw. PDF/UA forbids a character that cannot be drawn."""


def report_pdf(copy: ExportedReview) -> bytes:
    """The report of a rapid review, with the combined chronology where the copy holds one."""
    return _set("report", laid_out.report(copy), copy.exported_at)


def chronology_pdf(copy: ExportedChronology) -> bytes:
    """The combined chronology alone, with its picture."""
    return _set("chronology", laid_out.chronology_alone(copy), copy.exported_at)


def request_pdf(copy: ExportedRequest) -> bytes:
    """The request to one agency, as a letter."""
    return _set("request", laid_out.request(copy), copy.exported_at)


def pack_pdf(copy: ExportedPack) -> bytes:
    """The advance copy of a practice review's publication: what goes with the report itself."""
    return _set("pack", laid_out.pack(copy), copy.exported_at)


@cache
def _compiler(template: str) -> typst.Compiler:
    # Names come in every script: the machine's own fonts are used beside the package's.
    return typst.Compiler(HOME / f"{template}.typ", root=HOME)


def _set(template: str, data: dict[str, Any], at: datetime) -> bytes:
    """The words reach the template as data: none of them can be read as markup.

    A character that no font here has is shown by its code, and the document says so: it is made all the same.
    """
    try:
        return _compiled(template, json.dumps(data, ensure_ascii=False), at)
    except (typst.TypstError, UnicodeEncodeError):
        return _compiled(template, json.dumps(_drawable(data) | {"codesShown": True}), at)


def _compiled(template: str, data: str, at: datetime) -> bytes:
    pdf = _compiler(template).compile(
        format="pdf", pdf_standards="ua-1", sys_inputs={"copy": data}, timestamp=at.replace(microsecond=0)
    )
    if not isinstance(pdf, bytes):
        raise TypeError("Typst made no single document")
    return pdf


def _drawable(node: Any) -> Any:
    match node:
        case str():
            return BEYOND_OUR_FONTS.sub(lambda found: f"[U+{ord(found[0]):04X}]", node)
        case dict():
            return {key: _drawable(value) for key, value in node.items()}
        case list() | tuple():
            return [_drawable(each) for each in node]
        case _:
            return node
