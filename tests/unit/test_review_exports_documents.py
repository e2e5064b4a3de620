"""The copies of a review as documents: tagged, marked on every page, with nothing left out and nothing too much."""

import io
import json
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.review_exports import PURPOSE, SCHEMAS, Chronology, ExportedRequest, schemas
from services.rapid_review.exports.as_pdf import chronology_pdf, pack_pdf, report_pdf, request_pdf
from tests.pdf_pages import written
from tests.unit.review_export_stories import chronology, chronology_copy, pack, report, request

LONG = "Words that fill a page. " * 300
COPIES: dict[str, Callable[[], bytes]] = {
    "report": lambda: report_pdf(report(chronology(), LONG)),
    "report without returns": lambda: report_pdf(report(None)),
    "chronology": lambda: chronology_pdf(chronology_copy(chronology(90))),
    "pack": lambda: pack_pdf(pack(LONG)),
    "request": lambda: request_pdf(request(LONG)),
}


@pytest.fixture(scope="module", params=COPIES)
def pdf(request: pytest.FixtureRequest) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(COPIES[request.param]()))


def _words(pdf: pikepdf.Pdf) -> str:
    return " ".join(" ".join(text for _, text in written(page)) for page in pdf.pages)


def test_each_copy_is_tagged_and_says_that_it_is_pdf_ua_1(pdf: pikepdf.Pdf) -> None:
    assert pdf.Root.MarkInfo.Marked
    assert "/StructTreeRoot" in pdf.Root
    assert str(pdf.Root.Lang) == "en-GB"
    assert pdf.open_metadata()["pdfuaid:part"] == "1"


def test_every_page_of_each_copy_is_marked_at_its_top_and_at_its_bottom(pdf: pikepdf.Pdf) -> None:
    for number, page in enumerate(pdf.pages, 1):
        height = float(page.mediabox[3])
        heights = [at for at, text in written(page) if text == "OFFICIAL-SENSITIVE"]
        assert any(at > height * 0.9 for at in heights), f"page {number} has no marking at its top"
        assert any(at < height * 0.1 for at in heights), f"page {number} has no marking at its bottom"


@pytest.mark.parametrize("copy", ["report", "pack", "request", "chronology"])
def test_the_purpose_is_printed_where_people_work(copy: str) -> None:
    document = pikepdf.open(io.BytesIO(COPIES[copy]()))
    first = "".join("".join(text for _, text in written(document.pages[0])).split())
    said = "does not hold any person or agency to account"
    assert said in PURPOSE
    assert said.replace(" ", "") in first


def test_dissent_is_printed_with_its_reasons_and_what_is_missing_says_so() -> None:
    words = _words(pikepdf.open(io.BytesIO(report_pdf(report(None, "Reasons of dissent.")))))
    assert "Dissent" in words
    assert "Reasons of dissent." in words
    assert "Not recorded" in words
    assert "Nothing was written." in words


def test_the_pack_says_who_received_which_version() -> None:
    words = _words(pikepdf.open(io.BytesIO(pack_pdf(pack()))))
    assert "Child Safeguarding Practice Review Panel" in words
    assert "Tuesday 1 September 2026, 10:30 BST" in words
    assert "Not yet recorded" in words


def test_every_line_of_the_chronology_is_in_the_document() -> None:
    few = chronology(90)
    numbered = few.model_copy(
        update={
            "lines": tuple(
                line.model_copy(
                    update={
                        "statements": tuple(
                            each.model_copy(
                                update={
                                    "sources": tuple(
                                        source.model_copy(update={"event": f"Q{number}x{place}x{at}Q"})
                                        for at, source in enumerate(each.sources)
                                    )
                                }
                            )
                            for place, each in enumerate(line.statements)
                        )
                    }
                )
                for number, line in enumerate(few.lines)
            )
        }
    )
    words = "".join(_words(pikepdf.open(io.BytesIO(chronology_pdf(chronology_copy(numbered))))).split())
    events = [s.event for line in numbered.lines for each in line.statements for s in each.sources]
    assert [event for event in events if event not in words] == []


def test_a_request_holds_the_minimum_and_has_no_room_for_more() -> None:
    said = {name for name in ExportedRequest.model_fields if name not in SCHEMAS["chronology"].model_fields}
    assert said == {
        *("request", "agency", "agency_name", "lead", "children", "household", "scope_from", "scope_to", "reason"),
        *("legal_basis", "due", "answer_to"),
    }


@pytest.mark.parametrize(
    ("name", "copy"),
    [
        ("rapid-review", report(chronology())),
        ("chronology", chronology_copy(chronology())),
        ("information-request", request()),
        ("advance-copy", pack()),
    ],
)
def test_the_json_fits_its_schema(name: str, copy: Any) -> None:
    schema = dict(schemas())[name]
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(json.loads(copy.model_dump_json()))
    assert SCHEMAS[name].model_validate_json(copy.model_dump_json()) == copy


def test_nothing_in_the_words_can_become_markup() -> None:
    hostile = '#set page(fill: red)\n#panic("x") $ * _ ` \\ </script>'
    said = _words(pikepdf.open(io.BytesIO(pack_pdf(pack(hostile)))))
    assert '#panic("x")' in said
    named = chronology().model_copy(update={"names": {"northshire-council": "<b>&\x00\"'"}})
    assert chronology_pdf(chronology_copy(named)).startswith(b"%PDF")


@settings(max_examples=20, deadline=None)  # each sets a whole document
@given(st.text(min_size=1, max_size=100))
def test_any_text_at_all_makes_each_pdf(words: str) -> None:
    said = words if words.strip() else "x"
    few: Chronology = chronology(3).model_copy(update={"children": (said,), "names": {"northshire-council": said}})
    for made in (report_pdf(report(few, said)), pack_pdf(pack(said)), request_pdf(request(said))):
        assert made.startswith(b"%PDF")
