"""An agency's chronology out of a spreadsheet: CSV or Excel, values only, every row either taken or refused by number.

Nothing is guessed. A date that can be read in two ways is refused with its row; formulas and macros are never run.
What was read is kept as a draft, the owner's alone to read: refused rows are mended and read again with it.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from safeguarding_exchange.spreadsheet_cells import Ambiguous, Unread, day_of, time_of

MOST_IN_A_PART = 200
"""How many entries one event takes."""

MOST_ROWS = 20_000
MOST_CHARACTERS = 20_000
COLUMNS = {
    "date": ("date", "day", "date of event"),
    "time": ("time", "at"),
    "kind": ("kind", "type"),
    "child": ("child", "children", "subject", "subjects"),
    "child seen": ("child seen", "seen"),
    "event": ("event", "what happened", "description"),
    "voice of the child": ("voice of the child", "voice"),
    "significance": ("significance",),
    "source system": ("source system", "source", "record"),
    "practitioner role": ("practitioner role", "role"),
    "key episode": ("key episode", "key practice episode"),
}
KINDS = (
    *("contact", "visit", "assessment", "meeting", "referral", "health", "education", "police", "missed"),
    *("decision", "family_event", "incident", "other"),
)
ROW, WHY = "row", "why it was refused"
_YES, _NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_WORDS = {
    "voiceOfTheChild": ("voice of the child", MOST_CHARACTERS),
    "significance": ("significance", MOST_CHARACTERS),
    "sourceSystem": ("source system", 200),
    "practitionerRole": ("practitioner role", 200),
}


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not taken: its number in the sheet, why, and its cells as they were."""

    row: int
    why: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Sheet:
    """What was read. `entries` are in the wire's form, by row number; `told` is what the reader should know."""

    entries: Mapping[int, Mapping[str, Any]]
    refused: tuple[RefusedRow, ...] = ()
    told: tuple[str, ...] = ()

    def parts(self, most: int = MOST_IN_A_PART) -> list[list[Mapping[str, Any]]]:
        """The entries in the sheet's order, in parts that one event can carry."""
        ordered = [self.entries[row] for row in sorted(self.entries)]
        return [ordered[first : first + most] for first in range(0, len(ordered), most)]

    def continued(self, mended: "Sheet") -> "Sheet":
        """This draft with rows that were mended: each takes the place of the row of its number."""
        again = {*mended.entries, *(each.row for each in mended.refused)}
        still = [each for each in self.refused if each.row not in again]
        kept = {row: entry for row, entry in self.entries.items() if row not in again}
        refused = sorted([*still, *mended.refused], key=lambda each: each.row)
        return Sheet({**kept, **mended.entries}, tuple(refused), mended.told)


def read(path: Path, *, day_first: bool = False, children: Mapping[str, str] | None = None) -> Sheet:
    """Read a chronology. Raises ValueError, with its remedy, for a file that is no such spreadsheet.

    `day_first` states that 03/04/2026 is the third of April. `children` says which subject each name in the column
    "child" stands for; a subject's id may stand there itself.
    """
    told: list[str] = []
    rows = list(_rows(path, told))
    columns = _columns(rows)
    entries: dict[int, Mapping[str, Any]] = {}
    refused: list[RefusedRow] = []
    for number, cells in enumerate(rows[1:], 2):
        if not any(_text(cell) for cell in cells):
            continue
        named = {name: cells[at] if at < len(cells) else None for name, at in columns.items()}
        row = _number(named.get(ROW), number)
        try:
            if row in entries:
                raise Unread(f"row {row} stands twice in this file: give each row once")
            entries[row] = _entry(named, day_first, children or {})
        except (Unread, Ambiguous) as why:
            refused.append(RefusedRow(row, str(why), {name: _text(value) for name, value in named.items()}))
    return Sheet(entries, tuple(refused), tuple(told))


def keep(sheet: Sheet, path: Path) -> Path | None:
    """Write a draft, its owner's alone to read, and beside it the refused rows as CSV, each with why.

    Returns that CSV's path, or nothing where no row was refused. Mend its rows and read it as any sheet: the column
    "row" says whose places they take.
    """
    refused = [{"row": each.row, "why": each.why, "cells": each.cells} for each in sheet.refused]
    draft = {"entries": {str(row): entry for row, entry in sheet.entries.items()}, "refused": refused}
    _write(path, json.dumps(draft, ensure_ascii=False, indent=1).encode())
    beside = path.with_suffix(".refused.csv")
    if not refused:
        beside.unlink(missing_ok=True)
        return None
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([ROW, WHY, *COLUMNS])
    for each in sheet.refused:
        writer.writerow([each.row, each.why, *(_harmless(each.cells.get(name, "")) for name in COLUMNS)])
    _write(beside, text.getvalue().encode("utf-8-sig"))
    return beside


def kept(path: Path) -> Sheet:
    """A draft that was kept. Raises ValueError for a file that is none."""
    try:
        draft = json.loads(path.read_text(encoding="utf-8"))
        refused = tuple(RefusedRow(each["row"], each["why"], each["cells"]) for each in draft["refused"])
        return Sheet({int(row): entry for row, entry in draft["entries"].items()}, refused)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path} is no draft of a chronology") from None


def template() -> str:
    """A CSV to fill in: its headings alone."""
    return ",".join(COLUMNS) + "\r\n"


def _entry(named: Mapping[str, Any], day_first: bool, children: Mapping[str, str]) -> dict[str, Any]:
    day, said = day_of(named["date"], day_first=day_first)
    at = time_of(named.get("time")) or said
    words = {"event": _words(named, "event", MOST_CHARACTERS)}
    if not words["event"]:
        raise Unread("the event is missing: say in words what happened")
    words |= {wire: _words(named, name, most) for wire, (name, most) in _WORDS.items()}
    return {
        "day": day.isoformat(),
        **({"at": at.isoformat()} if at else {}),
        "kind": _kind(_text(named.get("kind"))),
        "subjects": _subjects(_text(named.get("child")), children),
        "childSeen": {True: "yes", False: "no", None: "not_known"}[_yes_or_no(named, "child seen")],
        "voiceHeard": bool(words["voiceOfTheChild"]),
        "keyEpisode": bool(_yes_or_no(named, "key episode")),
        "words": {wire: text for wire, text in words.items() if text},
    }


def _words(named: Mapping[str, Any], name: str, most: int) -> str:
    text = _text(named.get(name))
    if len(text) > most:
        raise Unread(f"{name} has {len(text):,} characters: at most {most:,} go into one entry")
    return text


def _kind(text: str) -> str:
    code = text.casefold().replace(" ", "_") or "other"
    if code not in KINDS:
        raise Unread(f"the kind is none of: {', '.join(KINDS)}")
    return code


def _subjects(text: str, children: Mapping[str, str]) -> list[str]:
    known = {name.casefold(): subject for name, subject in children.items()}
    found = []
    for name in filter(None, (part.strip() for part in text.replace(",", ";").split(";"))):
        subject = name if name in children.values() or name.startswith("subject-") else known.get(name.casefold())
        if subject is None:
            raise Unread("the column child names somebody who is not known here: say which subject that is")
        found.append(subject)
    return list(dict.fromkeys(found))


def _yes_or_no(named: Mapping[str, Any], name: str) -> bool | None:
    text = _text(named.get(name)).casefold()
    if text in ("", "not known", "not_known", "unknown"):
        return None
    if text not in (*_YES, *_NO):
        raise Unread(f"{name} is neither yes, no nor not known")
    return text in _YES


def _columns(rows: Sequence[Sequence[Any]]) -> dict[str, int]:
    if not rows:
        raise ValueError("The spreadsheet is empty: start from the template")
    headings = [" ".join(_text(cell).casefold().replace("_", " ").split()) for cell in rows[0]]
    names = {**COLUMNS, ROW: (ROW,)}
    found = {
        name: headings.index(each) for name, spelt in names.items() for each in reversed(spelt) if each in headings
    }
    missing = [name for name in ("date", "event") if name not in found]
    if missing:
        raise ValueError(f"The first row has no column {' and no column '.join(missing)}: start from the template")
    return found


def _rows(path: Path, told: list[str]) -> Iterator[Sequence[Any]]:
    readers: dict[str, Callable[[Path, list[str]], Iterable[Sequence[Any]]]] = {
        ".csv": _csv,
        ".txt": _csv,
        ".xlsx": _excel,
        ".xlsm": _excel,
    }
    if path.suffix.lower() not in readers:
        raise ValueError(f"A {path.suffix or 'nameless'} file cannot be read: save it as .xlsx or .csv, values only")
    for number, row in enumerate(readers[path.suffix.lower()](path, told)):
        if number > MOST_ROWS:
            raise ValueError(f"More than {MOST_ROWS:,} rows: split the chronology")
        yield row


def _csv(path: Path, told: list[str]) -> Iterable[Sequence[Any]]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        told.append("the file is not UTF-8: it was read as Windows text; look at letters with accents")
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _excel(path: Path, told: list[str]) -> Iterable[Sequence[Any]]:
    from openpyxl import load_workbook  # loads slowly: only who reads Excel waits for it
    from openpyxl.utils.exceptions import InvalidFileException

    if path.suffix.lower() == ".xlsm":
        told.append("the file can hold macros: its values were read, and nothing of them was run")
    try:
        with closing(load_workbook(path, read_only=True)) as book:
            rows = book.worksheets[0].iter_rows(max_row=MOST_ROWS + 2)
            formulas = sum(cell.data_type == "f" for row in rows for cell in row)
        with closing(load_workbook(path, read_only=True, data_only=True)) as book:
            sheets, rows = len(book.worksheets), book.worksheets[0].iter_rows(max_row=MOST_ROWS + 2)
            values = [[_dated(cell.value, book.epoch) for cell in row] for row in rows]
    except (InvalidFileException, BadZipFile, ParseError, KeyError, IndexError, OSError, ValueError):
        raise ValueError(f"{path} is no Excel file that can be read: save it as .xlsx") from None
    if sheets > 1:
        told.append(f"only the first of {sheets} sheets was read")
    if formulas:
        told.append(f"{formulas} cells hold formulas: their last saved values were read, and nothing was worked out")
    return values


def _dated(value: Any, epoch: datetime) -> Any:
    """A value with the workbook's own day 0: Excel keeps dates as numbers, counted from one of two days."""
    return (value, epoch) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        value = int(value[0]) if float(value[0]).is_integer() else value[0]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (datetime, date, time)):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    text = "" if value is None else str(value).strip()
    return text[1:] if text[:1] == "'" and text[1:2] in _FORMULA else text


def _harmless(text: str) -> str:
    """A cell that begins like a formula is shown as text, never worked out."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _number(value: Any, otherwise: int) -> int:
    text = _text(value)
    return int(text) if text.isascii() and text.isdigit() else otherwise


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and for its owner's eyes: there are words about children in it."""
    beside = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    beside.replace(path)
