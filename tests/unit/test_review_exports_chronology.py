"""The combined chronology as sheets and as a picture: no cell works, nothing that was joined is hidden."""

import csv
import io
import re
import time
from collections.abc import Callable
from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from contracts.review_codes import EntryKind
from contracts.review_exports import Chronology, ExportedChronology, ExportedGap
from services.rapid_review.exports.as_pdf import report_pdf
from services.rapid_review.exports.as_sheets import COLUMNS, as_csv, as_xlsx
from services.rapid_review.exports.picture import picture
from services.rapid_review.exports.picture_marks import FAMILIES, FAMILY_OF
from tests.unit.review_export_stories import AGENCIES, INCIDENT_ON, chronology, chronology_copy, report, returns

MARKING = "OFFICIAL-SENSITIVE"
SVG = "{http://www.w3.org/2000/svg}"


def _saying(words: str) -> ExportedChronology:
    made = chronology()
    (first, *others) = made.lines
    (said, *more) = first.statements
    (source, *sources) = said.sources
    spoken = source.model_copy(update={"event": words})
    line = first.model_copy(update={"statements": (said.model_copy(update={"sources": (spoken, *sources)}), *more)})
    return chronology_copy(made.model_copy(update={"lines": (line, *others)}))


def _csv_rows(copy: ExportedChronology) -> list[list[str]]:
    return list(csv.reader(io.StringIO(as_csv(copy).decode("utf-8-sig"), newline="")))


def _xlsx_rows(copy: ExportedChronology) -> list[list[Any]]:
    sheet = load_workbook(io.BytesIO(as_xlsx(copy))).worksheets[0]
    return [list(row) for row in sheet.iter_rows(min_row=2)]


def test_each_entry_has_its_row_in_both_sheets_and_every_row_is_marked() -> None:
    copy = chronology_copy(chronology(200))
    entries = sum(len(answer.entries) for answer in returns(200))
    as_text, cells = _csv_rows(copy), _xlsx_rows(copy)
    assert len(as_text) == len(cells) == entries + 1
    assert [cell.value for cell in cells[0]] == as_text[0] == list(COLUMNS)
    assert {row[-1] for row in as_text[1:]} == {MARKING}
    assert [[cell.value or "" for cell in row] for row in cells[1:]] == as_text[1:]


@pytest.mark.parametrize("words", ["=1+1", "+44 1632", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_no_cell_works_anything_out(words: str) -> None:
    copy = _saying(words)
    assert not [cell for row in _csv_rows(copy) for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))]
    cells = [cell for row in _xlsx_rows(copy) for cell in row if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}
    assert words in {cell.value for cell in cells}


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=80))
def test_any_text_at_all_makes_a_sheet_and_a_picture(words: str) -> None:
    copy = _saying(words)
    assert len(_xlsx_rows(copy)) == len(_csv_rows(copy))
    named = copy.chronology.model_copy(update={"names": dict.fromkeys(AGENCIES, words), "children": (words,)})
    ElementTree.fromstring(picture(named, MARKING).svg)


def test_every_kind_has_its_mark() -> None:
    assert set(FAMILY_OF) == set(EntryKind)
    assert len({family.colour for family in FAMILIES}) == len({family.shape for family in FAMILIES}) == len(FAMILIES)


@pytest.mark.parametrize(("count", "agencies"), [(0, 5), (1, 5), (30, 5), (5_000, 12)])
def test_the_picture_names_every_agency_shades_every_gap_and_marks_the_incident(count: int, agencies: int) -> None:
    made = chronology(count, agencies)
    drawn = picture(made, MARKING)
    text = " ".join(each.text or "" for each in ElementTree.fromstring(drawn.svg).iter(f"{SVG}text"))
    assert [name for name in made.names.values() if name.split()[0] not in text] == []
    assert f"Incident, {INCIDENT_ON.day} Mar 2026" in text
    assert MARKING in text
    assert drawn.svg.count('fill-opacity="0.16"') == len(made.gaps) > 0
    assert ("Tallest column" in text) == (count > 1_000)


def test_everything_is_drawn_within_the_picture_and_what_lies_outside_the_period_stretches_nothing() -> None:
    drawn = picture(chronology(400), MARKING)
    texts = list(ElementTree.fromstring(drawn.svg).iter(f"{SVG}text"))
    assert all(0 <= float(each.attrib["x"]) <= drawn.width for each in texts)
    assert all(0 <= float(each.attrib["y"]) <= drawn.height for each in texts)
    places = [float(x) for x in re.findall(r"M(-?[\d.]+) ", drawn.svg)]
    assert min(places) >= 0
    assert max(places) <= drawn.width
    words = " ".join(each.text or "" for each in texts)
    assert "and 1 outside the period" in words
    assert "2011" not in words


def test_a_month_that_begins_at_the_edge_is_named_within_the_picture() -> None:
    asked = {"names": {"a-b": "Agency"}, "children": ("Child A",), "incident_on": date(2026, 8, 31)}
    gap = ExportedGap(child="Child A", first=date(2025, 1, 1), last=date(2026, 9, 1), days=609)
    texts = list(ElementTree.fromstring(picture(Chronology(agencies=("a-b",), gaps=(gap,), **asked)).svg).iter())
    last = next(each for each in texts if each.text == "Sep 2026")
    assert last.attrib["text-anchor"] == "end"
    assert float(last.attrib["x"]) <= 1000


def test_a_column_is_as_high_as_what_happened_and_no_higher_than_its_lane() -> None:
    few, many = chronology(30), chronology(5_000, 12)
    heights = [float(h) for h in re.findall(r"v([\d.]+)h-6\.2z", picture(many).svg)]
    assert heights
    assert max(heights) <= 36
    assert not re.findall(r"v[\d.]+h-6\.2z", picture(few).svg)


def test_a_chronology_of_one_day_is_drawn() -> None:
    one_day = Chronology(agencies=("a-b",), names={"a-b": "Agency"}, incident_on=date(2026, 3, 10))
    ElementTree.fromstring(picture(one_day).svg)


def test_two_thousand_entries_take_a_report_no_more_than_their_share() -> None:
    some, many = (report(chronology(count, 12)) for count in (200, 2_000))
    report_pdf(report(None))  # the fonts are found once; each report below is set for the first time
    assert _seconds(lambda: report_pdf(many)) < 40 * _seconds(lambda: report_pdf(some))


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
