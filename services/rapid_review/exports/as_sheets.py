"""The combined chronology as CSV and as Excel: a row an entry, so that nothing joined is hidden; no cell works."""

import csv
import io
import re
from collections.abc import Iterator

from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from contracts.review_exports import PURPOSE, ExportedChronology
from services.rapid_review.exports.labels import label, shown_time

BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
NOT_FOR_EXCEL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
MOST_IN_A_CELL = 32_767
COLUMNS = {
    "line": 6,
    "date": 12,
    "time": 7,
    "agency": 26,
    "kind": 16,
    "children": 16,
    "child seen": 10,
    "event": 70,
    "voice of the child": 40,
    "significance": 40,
    "source system": 16,
    "practitioner role": 18,
    "key episode": 8,
    "agencies differ in": 18,
    "outside the period asked about": 12,
    "marking": 20,
}
"""Each column with its width in Excel, in characters. Entries of one line were joined, or stand side by side."""


def as_csv(copy: ExportedChronology) -> bytes:
    """UTF-8 with a byte order mark, as spreadsheets want it; the marking stands in every row."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(cell) for cell in row] for row in _rows(copy))
    return text.getvalue().encode("utf-8-sig", errors="replace")


def as_xlsx(copy: ExportedChronology) -> bytes:
    """An Excel workbook of text cells alone, marked at the top and the bottom of every page that is printed."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Combined chronology")
    for number, width in enumerate(COLUMNS.values(), 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A3"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddHeader.center.text = sheet.oddFooter.center.text = copy.classification
    bold, wrapped = Font(bold=True), Alignment(wrap_text=True, vertical="top")

    def cell(value: str, *, heading: bool = False) -> Cell:
        made = WriteOnlyCell(sheet, value=NOT_FOR_EXCEL.sub("\ufffd", value)[:MOST_IN_A_CELL])
        made.data_type = "s"  # whatever it begins with, it is text
        if heading:
            made.font = bold
        else:
            made.alignment = wrapped
        return made

    sheet.append([cell(f"{copy.classification}. {PURPOSE}", heading=True)])
    sheet.append([cell(name, heading=True) for name in COLUMNS])
    for row in _rows(copy):
        sheet.append([cell(value) for value in row])
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def _rows(copy: ExportedChronology) -> Iterator[list[str]]:
    for number, line in enumerate(copy.chronology.lines, 1):
        for statement in line.statements:
            for source in statement.sources:
                yield [
                    str(number),
                    line.day.isoformat(),
                    shown_time(statement.at),
                    copy.chronology.names.get(source.agency, source.agency),
                    label(statement.kind),
                    ", ".join(line.children),
                    label(statement.child_seen),
                    source.event,
                    source.voice_of_the_child or "",
                    source.significance or "",
                    source.source_system or "",
                    source.practitioner_role or "",
                    "yes" if line.key_episode else "",
                    ", ".join(each.replace("_", " ") for each in line.differ),
                    "yes" if source.outside_scope else "",
                    copy.classification,
                ]


def _harmless(text: str) -> str:
    """A cell that begins like a formula is shown as text, never worked out."""
    return f"'{text}" if text.startswith(BEGINS_A_FORMULA) else text
