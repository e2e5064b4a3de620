"""The copy as PDF: tagged, PDF/UA-1, the marking on every page; set by Typst."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import typst

from contracts.exports import ExportedNotification, Recipient
from services.notifications.exports.document import show

TEMPLATE = Path(__file__).with_name("notification.typ")


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(TEMPLATE, root=TEMPLATE.parent, ignore_system_fonts=True)


def as_pdf(copy: ExportedNotification) -> bytes:
    """The PDF's bytes. The words reach the template as data: none of them can be read as markup."""
    pdf = _compiler().compile(
        format="pdf",
        pdf_standards="ua-1",
        sys_inputs={"copy": json.dumps(_laid_out(copy))},
        timestamp=copy.exported_at.replace(microsecond=0),
    )
    if not isinstance(pdf, bytes):
        raise TypeError("Typst made no single document")
    return pdf


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
