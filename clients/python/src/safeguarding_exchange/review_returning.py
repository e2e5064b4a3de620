"""An agency's answer: out of a file, out of a spreadsheet, or that there is nothing. In parts, where it is long.

What is on its way is kept in a file until the exchange has it: given again it is sent again under the same ids, and
taken once.
"""

import json as json_
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from safeguarding_exchange import shown, spreadsheets
from safeguarding_exchange.exchange import Exchange
from safeguarding_exchange.free_text import said
from safeguarding_exchange.options import As, Incident, Json, exchange
from safeguarding_exchange.proposing import data_of
from safeguarding_exchange.review_standing import For, Request, meant
from safeguarding_exchange.spreadsheets import Sheet

returning = typer.Typer()
ANSWER = (
    *("roleWithFamily", "analysis", "goodPractice", "gaps", "identityConsidered", "voiceOfTheChild"),
    *("immediateActions", "learning"),
)
"""What an answer says beside its chronology. Reviews are criticised for missing identity and the child's voice."""


@returning.command("answer-sheet")
def answer_sheet(
    chronology: Annotated[bool, typer.Option("--chronology", help="The spreadsheet's headings, as CSV.")] = False,
) -> None:
    """Print an empty answer to fill in."""
    if chronology:
        print(spreadsheets.template(), end="")
    else:
        shown.as_json(dict.fromkeys(ANSWER, "") | {"signedOff": False})


@returning.command("return")
def give_back(
    incident: Incident,
    answer: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A JSON file; see sx review answer-sheet."),
    ] = None,
    chronology: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Your chronology: CSV or Excel, values only.")
    ] = None,
    nil: Annotated[bool, typer.Option("--nil", help="Your agency has nothing.")] = False,
    signed_off: Annotated[
        bool | None, typer.Option("--signed-off/--not-signed-off", help="Whether a senior of your agency signed it.")
    ] = None,
    day_first: Annotated[bool, typer.Option("--day-first", help="03/04/2026 is the third of April.")] = False,
    child: Annotated[
        list[str] | None, typer.Option(help="NAME=subject-…: whom a name in the column child stands for.")
    ] = None,
    goes_on: Annotated[
        Path | None, typer.Option("--draft", exists=True, help="The draft of which these are the mended rows.")
    ] = None,
    for_: For = None,
    request: Request = None,
    account: As = None,
    json: Json = False,
) -> None:
    """Give your agency's answer.

    From a JSON file, with a chronology out of a spreadsheet, or --nil. Rows that cannot be read are refused by their
    numbers and nothing is sent: mend the file of refused rows that is written beside, and give it with --draft.
    """
    if nil and (answer or chronology):
        raise typer.BadParameter("--nil says that there is nothing: leave the files out")
    if not (nil or answer or chronology):
        raise typer.BadParameter("give --answer, --chronology or --nil")
    data = {name: value for name, value in (data_of(answer) if answer else {}).items() if value not in ("", None)}
    if signed_off is not None:
        data["signedOff"] = signed_off
    if "signedOff" not in data:
        raise typer.BadParameter("say --signed-off, or --not-signed-off where no senior has signed it yet")
    sheet = _sheet(chronology, goes_on, day_first, child or []) if chronology else None
    with exchange(account) as door:
        found = meant(door, incident, for_, request)
        about = {"agency": found["agency"], "request": found["request"]}
        events = _events(door, incident, about, data | said(nil=nil or None), sheet)
        receipts = _sent(door, events, chronology or answer)
    shown.as_json(receipts[-1]) if json else shown.receipt(receipts[-1])
    if len(receipts) < len(events) or receipts[-1]["status"] == "refused":
        raise typer.Exit(1)


def _sheet(path: Path, draft: Path | None, day_first: bool, children: list[str]) -> Sheet:
    """The chronology, whole. Ends with status 1, the draft kept, where rows were refused."""
    named = dict(one.partition("=")[::2] for one in children)
    sheet = spreadsheets.read(path, day_first=day_first, children=named)
    if draft is not None:
        sheet = spreadsheets.kept(draft).continued(sheet)
    for line in sheet.told:
        shown.errors.print(f"  {line}", markup=False)
    if not sheet.refused:
        return sheet
    to = draft or path.with_suffix(".draft.json")
    beside = spreadsheets.keep(sheet, to)
    shown.errors.print(f"[bold red]{_rows(len(sheet.refused), 'was', 'were')} refused; nothing was sent[/bold red]")
    for row in sheet.refused:
        shown.errors.print(f"  row {row.row}: {row.why}", markup=False)
    for hint in _hints(sheet):
        shown.errors.print(f"  {hint}", markup=False)
    rest = f"{_rows(len(sheet.entries), 'is', 'are')} kept in {to}"
    shown.errors.print(
        f"  {rest}. Mend {beside}, then: --chronology {beside} --draft {to}",
        markup=False,
        soft_wrap=True,
    )
    raise typer.Exit(1)


def _rows(count: int, one: str, several: str) -> str:
    return f"{count} row {one}" if count == 1 else f"{count} rows {several}"


def _hints(sheet: Sheet) -> Iterator[str]:
    """What mends many rows at once, without a look at any of them."""
    whys = " ".join(row.why for row in sheet.refused)
    if "the day comes first" in whys:
        yield "If the day comes first in all of them, give --day-first too"
    if "which subject that is" in whys:
        yield "Say who a name is with --child NAME=subject-…; `sx review detail … --request …` tells the subjects"


def _events(
    door: Exchange, incident: str, about: dict[str, str], data: dict[str, Any], sheet: Sheet | None
) -> list[dict[str, Any]]:
    """What is to be sent, in order: the parts of a long chronology, then the answer with the last of them."""
    parts = [list(map(dict, part)) for part in sheet.parts()] if sheet else []
    given = {**about, **data} | ({"entries": parts[-1]} if parts else {})
    ahead = [("information.contributed", {**about, "entries": part}) for part in parts[:-1]]
    return [door.event(name, each, incident) for name, each in (*ahead, ("information.returned", given))]


def _sent(door: Exchange, events: list[dict[str, Any]], source: Path | None) -> list[dict[str, Any]]:
    """Send them one after another, each once the one before it was accepted; stops at the first that was not.

    Several are kept beside their source until all were taken, so that a line that breaks loses and doubles nothing.
    """
    beside = source.with_suffix(".sending.json") if source is not None and len(events) > 1 else None
    if beside is not None and beside.exists():
        before = json_.loads(beside.read_text(encoding="utf-8"))
        if [each["data"] for each in before] == [each["data"] for each in events]:
            events = before
    if beside is not None:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json_.dump(events, file, ensure_ascii=False)
    receipts: list[dict[str, Any]] = []
    for number, event in enumerate(events, 1):
        receipts.append(door.send(event))
        if len(events) > 1:
            shown.errors.print(f"  {number} of {len(events)}: {receipts[-1]['status']}", markup=False)
        if receipts[-1]["status"] == "refused":
            break
    if beside is not None and len(receipts) == len(events):
        beside.unlink()
    return receipts
