"""The copy as PDF: tagged, PDF/UA-1, the marking on every page; set by Typst."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import typst

from contracts.exports import ExportedNotification, Recipient
from services.notifications.exports.document import show

TEMPLATE = Path(__file__).with_name("notification.typ")
BEYOND_OUR_FONTS = re.compile("[^\\n -~\u00a1-\u00ac\u00ae-\u017f\u0391-\u03a1\u03a3-\u03c9\u0410-\u044f‐-‧€]")
"""Outside what the fonts in the package surely draw. PDF/UA forbids a character that cannot be drawn."""


@cache
def _compiler() -> typst.Compiler:
    # Names come in every script: the machine's own fonts are used beside the package's.
    return typst.Compiler(TEMPLATE, root=TEMPLATE.parent)


def as_pdf(copy: ExportedNotification) -> bytes:
    """The PDF's bytes. The words reach the template as data: none of them can be read as markup.

    A character that no font here has is shown by its code, and the page says so: the copy is made all the same.
    """
    laid_out = json.dumps(_laid_out(copy), ensure_ascii=False)
    try:
        return _compiled(copy, laid_out)
    except typst.TypstError:
        shown = json.loads(laid_out, object_hook=_drawable) | {"codesShown": True}
        return _compiled(copy, json.dumps(shown))


def _compiled(copy: ExportedNotification, laid_out: str) -> bytes:
    pdf = _compiler().compile(
        format="pdf",
        pdf_standards="ua-1",
        sys_inputs={"copy": laid_out},
        timestamp=copy.exported_at.replace(microsecond=0),
    )
    if not isinstance(pdf, bytes):
        raise TypeError("Typst made no single document")
    return pdf


def _drawable(found: dict[str, Any]) -> dict[str, Any]:
    return {key: _by_code(value) if isinstance(value, str) else value for key, value in found.items()}


def _by_code(text: str) -> str:
    return BEYOND_OUR_FONTS.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def _laid_out(copy: ExportedNotification) -> dict[str, Any]:
    data = copy.model_dump(mode="json")
    data["exportedAtShown"] = show(data["exportedAt"], {})
    data["purposeShown"] = copy.purpose.replace("_", " ")
    data["exportedAs"] = copy.exported_as.replace("_", " ")
    if copy.filing:
        data["filing"]["portalTimeShown"] = show(data["filing"]["portalTime"], {})
    for row, recipient in zip(data["recipients"], copy.recipients, strict=True):
        row["toldShown"] = _told(recipient, row["toldAt"])
    return data


def _told(recipient: Recipient, at: str | None) -> str:
    if at is None:
        return "Not yet recorded"
    how = f", by {recipient.how.replace('_', ' ')}" if recipient.how else ""
    return f"{show(at, {})}{how}"
