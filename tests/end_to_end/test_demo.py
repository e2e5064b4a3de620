"""The main job on real input: every scenario through the real stack, read by the public API and the topics."""

import csv
import json
import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from infra.demo.act_checker import act_differences, read_act
from infra.demo.checker import EXPECTATIONS, differences, read_expectations
from infra.demo.reviewing_checker import read_rapid_review_expected, review_differences
from infra.demo.run import Outcome, run, wipe
from infra.local.backbone import STATE
from infra.local.failures import CannotStart
from infra.local.home import Home
from infra.local.ports import StackPorts

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def outcome(said: list[str]) -> Iterator[Outcome]:
    home = STATE / f"demo-test-{os.getpid()}"
    try:
        yield run(home, StackPorts.free(), EXPECTATIONS, say=said.append)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_every_scenario_comes_out_as_expected(outcome: Outcome) -> None:
    assert [one.sentence() for one in outcome.differences] == []
    assert outcome.as_expected == outcome.scenarios >= 24
    assert outcome.status == 0


def test_a_wrong_date_in_the_expectations_would_have_been_seen(outcome: Outcome, tmp_path: Path) -> None:
    shutil.copytree(EXPECTATIONS, tmp_path / "expectations")
    (path,) = (tmp_path / "expectations").glob("*-state-funeral-2022.toml")
    text = path.read_text()
    assert text.count("due = 2022-09-22") == 2
    path.write_text(text.replace("due = 2022-09-22", "due = 2022-09-21", 1))
    planted = read_expectations(path.parent)

    wrong = [one for name, found in outcome.found.items() for one in differences(name, planted.get(name), found)]

    assert [one.sentence() for one in wrong] == ["state-funeral-2022: T01 due: expected 2022-09-21, found 2022-09-22"]


def test_four_agencies_see_each_its_own_cut_of_an_incident_and_the_excluded_one_nothing(outcome: Outcome) -> None:
    assert [one.sentence() for one in outcome.acts["exchange"].differences] == []
    assert outcome.acts["exchange"].found["harbour-homes"]["sees"] == {}


def test_a_field_too_many_in_the_expectations_of_the_act_would_have_been_seen(outcome: Outcome) -> None:
    expected = read_act(EXPECTATIONS)
    expected["northshire-police"]["sees"]["incident.referred.v1"] = "everything"

    wrong = act_differences(expected, outcome.acts["exchange"].found)

    assert [one.sentence() for one in wrong] == [
        "exchange: northshire-police sees of incident.referred.v1:"
        " expected everything, found all but harm, longTerm, seriousHarm"
    ]


def test_the_cuts_are_shown_side_by_side(outcome: Outcome, said: list[str]) -> None:
    (shown,) = (block for block in said if block.startswith("Five agencies and one incident"))
    assert shown.rstrip().endswith("As expected.")


def test_five_agencies_answer_in_five_ways_and_a_practice_review_is_published(outcome: Outcome) -> None:
    assert [one.sentence() for one in outcome.acts["rapid_review"].differences] == []
    found = outcome.acts["rapid_review"].found
    assert found["review"]["status"] == "closed"
    assert found["practice"]["status"] == "published"


def test_a_wrong_date_in_the_expectations_of_the_third_act_would_have_been_seen(outcome: Outcome) -> None:
    expected = read_rapid_review_expected(EXPECTATIONS)
    expected["practice"]["available_until"] = date(2028, 6, 8)

    wrong = review_differences(expected, outcome.acts["rapid_review"].found)

    assert [one.sentence() for one in wrong] == [
        "rapid_review: practice available_until: expected 2028-06-08, found 2028-06-09"
    ]


def test_the_third_act_tells_how_every_date_was_reckoned(outcome: Outcome, said: list[str]) -> None:
    (story,) = (block for block in said if block.startswith("A rapid review over Christmas"))
    words = " ".join(story.split())
    assert "day 0 Thu 17 Dec 2026, 15 working days; Fri 25 Dec 2026 is Christmas Day" in words
    assert "due end of Tue 12 Jan 2027" in words
    assert "day 0 Mon 1 Feb 2027, 6 months; due end of Sun 1 Aug 2027" in words
    assert "harbour-homes never; told: escalated, overdue, reminder" in words
    assert story.rstrip().endswith("As expected.")


def test_the_third_acts_copies_are_written(outcome: Outcome) -> None:
    copies = {path.name: path.read_bytes() for path in map(Path, outcome.exports) if path.parent.name == "rapid_review"}
    assert {name.partition(".")[2] for name in copies} == {"pdf", "json", "csv", "xlsx", "svg"}
    assert all(content.startswith(b"%PDF-") for name, content in copies.items() if name.endswith(".pdf"))
    assert len(copies) == 9
    rows = list(csv.reader(copies["chronology.csv"].decode("utf-8-sig").splitlines()))
    assert len(rows) > 10
    assert json.loads(copies["report.json"])


def test_the_story_shows_how_a_date_was_reckoned(outcome: Outcome, said: list[str]) -> None:
    (story,) = (block for block in said if "Ten minutes after midnight in summer time" in block and "T01" in block)
    words = " ".join(story.split())
    assert "aware Fri 28 Aug 2026 00:10 BST; Mon 31 Aug is Summer bank holiday; due end of Mon 7 Sep 2026" in words


def test_notifications_were_copied_out_as_pdf_json_and_csv(outcome: Outcome) -> None:
    copies = [path for path in map(Path, outcome.exports) if path.parent.name == "exports"]
    forms = {form: [path for path in copies if path.suffix == form] for form in (".pdf", ".json", ".csv")}
    assert len(copies) >= 9
    assert len({len(several) for several in forms.values()}) == 1
    assert all(path.read_bytes().startswith(b"%PDF-") for path in forms[".pdf"])
    assert all(json.loads(path.read_text()) for path in forms[".json"])
    for path in forms[".csv"]:
        with path.open(newline="") as file:
            assert len(list(csv.reader(file))) > 30


def test_a_folder_that_another_run_has_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    with Home(home).hold():
        with pytest.raises(CannotStart, match="already runs the stack"):
            wipe(home)
        assert home.exists()

    wipe(home)
    assert not home.exists()


def test_a_folder_that_no_stack_has_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear to somebody")

    with pytest.raises(CannotStart, match="something else than a stack"):
        wipe(tmp_path)
    assert (tmp_path / "letters.txt").exists()
