"""A chronology from a spreadsheet: every row is taken as it stands, or refused by its number; nothing is guessed."""

import csv
import io
import stat
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from pydantic import TypeAdapter
from safeguarding_exchange.spreadsheet_cells import FORMS, Ambiguous, Unread, day_of, time_of
from safeguarding_exchange.spreadsheets import COLUMNS, KINDS, MOST_IN_A_PART, Sheet, keep, kept, read, template

from contracts.review_codes import EntryKind
from contracts.reviews import Entries

CHILD = "subject-" + "a" * 32
CHILDREN = {"Child A": CHILD}
EARLIER_DAY_0 = datetime.combine(date(1904, 1, 1), time())
A_DAY = datetime.combine(date(2026, 3, 2), time())
HEADINGS = ["Date", "Time", "Kind", "Child", "Child seen", "Event", "Voice of the child"]
GOOD = ["2026-03-02", "14:30", "visit", "child a", "Yes", "A visit.", "She said that she was hungry."]


def _csv(path: Path, *rows: Sequence[Any], headings: Sequence[str] = HEADINGS, encoding: str = "utf-8-sig") -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([headings, *rows])
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def _excel(path: Path, *rows: Sequence[Any], epoch: datetime | None = None) -> Path:
    book = Workbook()
    if epoch:
        book.epoch = epoch
    sheet = book.worksheets[0]
    for row in [HEADINGS, *rows]:
        sheet.append(list(row))
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-04-03", date(2026, 4, 3)),
        ("3 April 2026", date(2026, 4, 3)),
        ("3rd of April 2026", date(2026, 4, 3)),
        ("Friday 3 Apr 2026", date(2026, 4, 3)),
        ("Fri, 3-Apr-2026", date(2026, 4, 3)),
        ("April 3, 2026", date(2026, 4, 3)),
        ("22 Sept. 2025", date(2025, 9, 22)),
        ("25/12/2025", date(2025, 12, 25)),
        ("12/25/2025", date(2025, 12, 25)),
        ("04.04.2026", date(2026, 4, 4)),
        ("46115", date(2026, 4, 3)),
        (46115, date(2026, 4, 3)),
        ((44653.0, EARLIER_DAY_0), date(2026, 4, 3)),
        (datetime.combine(date(2026, 4, 3), time()), date(2026, 4, 3)),
        (date(2026, 4, 3), date(2026, 4, 3)),
    ],
)
def test_days_in_their_usual_english_forms_and_as_excel_keeps_them_are_read(written: Any, day: date) -> None:
    assert day_of(written) == (day, None)


@pytest.mark.parametrize("written", ["03/04/2026", "3.4.2026", "01-02-2026"])
def test_a_day_that_can_be_read_in_two_ways_is_refused_unless_it_is_stated_that_the_day_comes_first(
    written: str,
) -> None:
    with pytest.raises(Ambiguous, match="two ways"):
        day_of(written)
    first, second = (int(part) for part in written.replace(".", "/").replace("-", "/").split("/")[:2])
    assert day_of(written, day_first=True) == (date(2026, second, first), None)


@pytest.mark.parametrize("written", ["12/25/2025", "31/02/2026"])
def test_a_day_stated_to_come_first_is_never_turned_round(written: str) -> None:
    with pytest.raises(Unread, match="no such day"):
        day_of(written, day_first=True)


@pytest.mark.parametrize(
    "written", [None, "", "03/04/26", "spring 2026", "2026", 7, "3 Avril 2026", "1026-04-03", True]
)
def test_what_is_no_certain_day_is_refused_and_the_cell_is_not_repeated(written: Any) -> None:
    with pytest.raises(Unread) as refused:
        day_of(written)
    assert str(refused.value).endswith((FORMS, "look at its year"))


@given(st.dates(date(1950, 1, 1), date(2099, 12, 31)))
def test_a_day_is_the_same_in_each_form(day: date) -> None:
    forms = [
        day,
        f"{day:%Y-%m-%d}",
        f"{day.day} {day:%B %Y}",
        f"{day:%A} {day.day} {day:%b %Y}",
        (day - date(1899, 12, 30)).days,
    ]
    assert {day_of(form)[0] for form in forms} == {day}
    assert day_of(f"{day:%d/%m/%Y}", day_first=True)[0] == day


@given(st.text(max_size=30) | st.floats() | st.integers(), st.booleans())
def test_any_cell_is_a_day_or_is_refused(cell: Any, day_first: bool) -> None:
    for reads in (lambda: day_of(cell, day_first=day_first), lambda: time_of(cell)):
        try:
            reads()
        except Unread:
            continue


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("14:30", time(14, 30)),
        ("2.30pm", time(14, 30)),
        ("2:30 p.m.", time(14, 30)),
        ("12am", time(0, 0)),
        ("12 pm", time(12, 0)),
        ("14:30:05", time(14, 30, 5)),
        (0.5, time(12, 0)),
        (time(9, 5), time(9, 5)),
        ("", None),
        (None, None),
    ],
)
def test_times_are_read_as_they_are_written(written: Any, at: time | None) -> None:
    assert time_of(written) == at


@pytest.mark.parametrize("written", ["morning", "25:00", "14:60", "13pm", 2])
def test_what_is_no_time_is_refused(written: Any) -> None:
    with pytest.raises(Unread):
        time_of(written)


def test_a_row_becomes_an_entry_as_the_contract_wants_it(tmp_path: Path) -> None:
    sheet = read(_csv(tmp_path / "a.csv", GOOD), children=CHILDREN)
    (part,) = sheet.parts()
    (entry,) = TypeAdapter(Entries).validate_python(part)
    assert (entry.day, entry.at, entry.kind) == (date(2026, 3, 2), time(14, 30), EntryKind.VISIT)
    assert (entry.subjects, entry.child_seen, entry.voice_heard) == ((CHILD,), "yes", True)
    assert part[0]["words"] == {"event": "A visit.", "voiceOfTheChild": "She said that she was hungry."}


def test_the_kinds_are_those_of_the_contract() -> None:
    assert list(KINDS) == [kind.value for kind in EntryKind]


def test_entries_come_in_parts_that_one_event_can_carry(tmp_path: Path) -> None:
    sheet = read(_csv(tmp_path / "a.csv", *[GOOD] * 401), children=CHILDREN)
    assert [len(part) for part in sheet.parts()] == [MOST_IN_A_PART, MOST_IN_A_PART, 1]
    assert not sheet.refused


def test_a_row_without_a_date_is_refused_by_its_number_and_the_rest_is_kept(tmp_path: Path) -> None:
    sheet = read(_csv(tmp_path / "a.csv", GOOD, ["", *GOOD[1:]], [], GOOD), children=CHILDREN)
    assert sorted(sheet.entries) == [2, 5]
    ((row, why),) = [(each.row, each.why) for each in sheet.refused]
    assert row == 3
    assert "date is missing" in why


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [(2, "phone-in", "the kind"), (3, "Child Z", "not known here"), (4, "maybe", "child seen"), (5, "", "the event")],
)
def test_a_cell_that_cannot_be_taken_refuses_its_row_and_says_why(
    tmp_path: Path, column: int, cell: str, why: str
) -> None:
    row = [*GOOD[:column], cell, *GOOD[column + 1 :]]
    (refused,) = read(_csv(tmp_path / "a.csv", row), children=CHILDREN).refused
    assert why in refused.why


def test_a_draft_is_continued_with_its_mended_rows_and_nothing_is_taken_twice(tmp_path: Path) -> None:
    harmful = ["03/04/2026", *GOOD[1:5], "=HYPERLINK(1)", GOOD[6]]
    keep(read(_csv(tmp_path / "a.csv", GOOD, harmful, GOOD), children=CHILDREN), tmp_path / "draft.json")
    beside = tmp_path / "draft.refused.csv"
    rows = list(csv.reader(io.StringIO(beside.read_text(encoding="utf-8-sig"))))
    assert not [cell for row in rows for cell in row if cell.startswith("=")]
    rows[1][rows[0].index("date")] = "3 April 2026"
    mended = read(_csv(tmp_path / "mended.csv", *rows[1:], headings=rows[0]), children=CHILDREN)
    draft = kept(tmp_path / "draft.json")
    whole = draft.continued(mended)
    assert [entry["day"] for (part,) in [whole.parts()] for entry in part] == ["2026-03-02", "2026-04-03", "2026-03-02"]
    assert whole.entries[3]["words"]["event"] == "=HYPERLINK(1)"
    assert whole.refused == ()
    assert whole.continued(mended) == whole
    assert keep(whole, tmp_path / "draft.json") is None
    assert not beside.exists()


def test_a_draft_is_its_owners_alone_to_read_and_comes_back_as_it_was(tmp_path: Path) -> None:
    sheet = read(_csv(tmp_path / "a.csv", GOOD, ["", *GOOD[1:]]), children=CHILDREN)
    beside = keep(sheet, tmp_path / "draft.json")
    assert beside
    for path in (tmp_path / "draft.json", beside):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept(tmp_path / "draft.json") == Sheet(sheet.entries, sheet.refused)


def test_excel_is_read_by_its_values_and_says_so_where_there_are_formulas_and_macros(tmp_path: Path) -> None:
    rows: list[list[Any]] = [[A_DAY, time(14, 30), *GOOD[2:]], [46083, 0.5, *GOOD[2:]], ["=TODAY()", *GOOD[1:]]]
    sheet = read(_excel(tmp_path / "a.xlsm", *rows), children=CHILDREN)
    assert [(each["day"], each["at"]) for each in sheet.entries.values()] == [
        ("2026-03-02", "14:30:00"),
        ("2026-03-02", "12:00:00"),
    ]
    assert [each.row for each in sheet.refused] == [4]  # no value was ever saved for it
    assert any("1 cells hold formulas" in each for each in sheet.told)
    assert any("macros" in each for each in sheet.told)


def test_excels_other_calendar_is_minded(tmp_path: Path) -> None:
    path = _excel(tmp_path / "a.xlsx", [44621, *GOOD[1:]], epoch=EARLIER_DAY_0)
    assert [each["day"] for each in read(path, children=CHILDREN).entries.values()] == ["2026-03-02"]


@pytest.mark.parametrize("suffix", [".xlsb", ".xls", ".ods", ""])
def test_other_files_are_refused_with_the_remedy(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"\xd0\xcf")
    with pytest.raises(ValueError, match="save it as"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no,columns\r\n1,2\r\n"])
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_what_is_no_chronology_is_refused_whole(tmp_path: Path, content: bytes, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises(ValueError, match=r"template|\.xlsx"):
        read(tmp_path / f"a{suffix}")


def test_an_older_windows_file_is_read_and_told_so(tmp_path: Path) -> None:
    row = [*GOOD[:5], "Café visit – fine.", ""]
    sheet = read(_csv(tmp_path / "a.csv", row, encoding="cp1252"), children=CHILDREN)
    assert sheet.entries[2]["words"]["event"] == "Café visit – fine."
    assert any("UTF-8" in each for each in sheet.told)


def test_the_template_has_every_column_and_reads_as_an_empty_chronology(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(template())
    assert template().strip().split(",") == list(COLUMNS)
    assert read(tmp_path / "a.csv") == Sheet({})
