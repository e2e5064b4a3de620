"""The copy as CSV: a line a field, safe to open in a spreadsheet."""

import csv
import io

from contracts.exports import ExportedNotification

BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEADINGS = ("section", "field", "label", "child", "value", "ready", "needed", "marking")


def as_csv(copy: ExportedNotification) -> bytes:
    """UTF-8 with a byte order mark, as spreadsheets want it; the marking stands in every row."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    for field in copy.fields:
        ready, needed = ("yes" if flag else "no" for flag in (field.ready, field.needed))
        shown = (field.section, field.field, field.label, field.child, field.value, ready, needed, copy.classification)
        writer.writerow([_harmless(value) for value in shown])
    return text.getvalue().encode("utf-8-sig")


def _harmless(value: object) -> str:
    """A cell that begins like a formula is shown as text, never worked out."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(BEGINS_A_FORMULA) else text
