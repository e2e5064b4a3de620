"""The copy of a notification: the form's order, field-by-field coverage, and three forms of one document."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.exports import ExportedNotification, FieldCoverage, Filing, Recipient
from contracts.notifications import NotificationContent
from infra.contracts.generated import HOME
from services.notifications.coverage import FORM, coverage
from services.notifications.exports.as_csv import as_csv
from services.notifications.exports.as_pdf import as_pdf
from services.notifications.exports.document import ERASED, fields, references, show
from tests.notifications import proposed
from tests.pdf_pages import written

CONTENT: NotificationContent = proposed("notification.drafted.v1").data.content
VALUES = {ref: f"words {number}" for number, ref in enumerate(references(CONTENT))}


def _copy(content: NotificationContent = CONTENT, values: dict[str, Any] = VALUES) -> ExportedNotification:
    covered = coverage(content)
    return ExportedNotification(
        incident=f"incident-{'a' * 32}",
        partnership="northshire",
        partnership_name="Northshire Safeguarding Children Partnership",
        version=1,
        status="submitted",
        grounds=content.grounds,
        clock="aware Fri 28 Aug 2026 00:10 BST; due end of Mon 7 Sep 2026",
        coverage=FieldCoverage(
            ready=covered.ready,
            fields=covered.fields,
            missing=tuple(field.label for field in covered.missing),
            sentence=covered.sentence(),
        ),
        filing=Filing(
            portal_reference="CSI-1",
            portal_time=datetime(2026, 9, 3, 9, 15, tzinfo=UTC),
            recorded_at=datetime(2026, 9, 3, 9, 20, tzinfo=UTC),
            without_approval=False,
            awaiting_reason=False,
        ),
        recipients=(Recipient(recipient="panel", name="The Panel"),),
        fields=fields(content, values),
        exported_at=datetime(2026, 9, 3, 10, 0, tzinfo=UTC),
        exported_by="northshire-council",
        exported_as="notifier",
        purpose="panel_export",
    )


def test_the_form_says_how_many_of_its_fields_are_ready_and_which_are_missing() -> None:
    content = CONTENT.model_copy(update={"siblings": None, "harm": ()})
    whole = len(FORM)
    assert coverage(CONTENT).sentence() == f"{whole} of {whole} ready"
    assert coverage(content).sentence() == f"{whole - 2} of {whole} ready; missing: Kinds of harm, Siblings"


def test_every_counted_field_has_its_line_in_the_forms_order_and_children_one_each() -> None:
    two = CONTENT.model_copy(update={"children": CONTENT.children * 2})
    lines = fields(two, VALUES)
    assert list(dict.fromkeys(line.field for line in lines))[: len(FORM)] == [field.wire for field in FORM]
    assert [line.child for line in lines if line.field == "children/sex"] == [1, 2]


def test_an_authority_is_named_beside_its_code() -> None:
    (line, *_) = fields(CONTENT, VALUES, {"E06000991": "Northshire Council"})
    assert line.value == "Northshire Council (E06000991)"


def test_no_reference_is_left_in_a_copy_and_what_was_erased_says_so() -> None:
    without_one = dict(list(VALUES.items())[1:])
    text = _copy(values=without_one).model_dump_json()
    assert "vault:" not in text
    assert text.count(ERASED) == 1
    assert all(words in text for words in without_one.values())


def test_the_json_fits_its_published_schema() -> None:
    schema = json.loads((HOME / "schemas" / "exports" / "notification-1.0.json").read_text())
    Draft202012Validator(schema).validate(json.loads(_copy().model_dump_json()))


def test_a_spreadsheet_works_nothing_out_and_every_row_is_marked() -> None:
    content = as_csv(_copy(values=dict.fromkeys(VALUES, "=1+1")))
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert not [cell for row in rows[1:] for cell in row if cell.startswith("=")]
    assert {row[-1] for row in rows[1:]} == {"OFFICIAL-SENSITIVE"}


@pytest.fixture(scope="module")
def pdf() -> pikepdf.Pdf:
    long = dict.fromkeys(VALUES, "Words that fill a page. " * 400)
    return pikepdf.open(io.BytesIO(as_pdf(_copy(values=long))))


def test_the_pdf_is_tagged_and_says_that_it_is_pdf_ua_1(pdf: pikepdf.Pdf) -> None:
    assert pdf.Root.MarkInfo.Marked
    assert "/StructTreeRoot" in pdf.Root
    assert str(pdf.Root.Lang) == "en-GB"
    assert pdf.open_metadata()["pdfuaid:part"] == "1"
    assert len(pdf.pages) > 3


def test_every_page_of_the_pdf_is_marked_at_its_top_and_at_its_bottom(pdf: pikepdf.Pdf) -> None:
    for number, page in enumerate(pdf.pages, 1):
        height = float(page.mediabox[3])
        heights = [at for at, text in written(page) if text == "OFFICIAL-SENSITIVE"]
        assert any(at > height * 0.9 for at in heights), f"page {number} has no marking at its top"
        assert any(at < height * 0.1 for at in heights), f"page {number} has no marking at its bottom"


def test_nothing_in_the_words_can_become_markup() -> None:
    hostile = dict.fromkeys(VALUES, '#set page(fill: red)\n#panic("x") $ * _ ` \\ </script>')
    assert as_pdf(_copy(values=hostile)).startswith(b"%PDF")


@settings(max_examples=25)  # each sets a whole document
@given(st.text(min_size=1, max_size=200))
def test_any_text_at_all_makes_a_pdf(words: str) -> None:
    assert as_pdf(_copy(values=dict.fromkeys(VALUES, words))).startswith(b"%PDF")


def test_a_name_in_any_script_makes_a_pdf_and_what_cannot_be_drawn_is_shown_by_its_code() -> None:
    assert as_pdf(
        _copy(values=dict.fromkeys(VALUES, "Ім'я \u4e2d\u6587 \u0645\u062b\u0627\u0644 \U000e0001"))
    ).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-08-27T23:10:00Z", "Friday 28 August 2026, 00:10 BST"),
        ("2026-01-16T23:50:00Z", "Friday 16 January 2026, 23:50 GMT"),
        ("2026-08-27", "27 August 2026"),
        ("22:40:00", "22:40"),
        (True, "Yes"),
        (None, None),
        ([], None),
        ("serious_harm", "Serious harm"),
        ("WBRI", "White: British"),
        ({"name": "Child A", "nhsNumber": "1"}, "Name: Child A\nNHS number: 1"),
    ],
)
def test_values_read_as_people_read_them(value: Any, shown: str | None) -> None:
    assert show(value, {}) == shown
