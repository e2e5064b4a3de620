"""`python -m shared.deadlines` as anyone runs it: a real process, its output and its exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str, lines: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "shared.deadlines", *arguments]
    return subprocess.run(command, cwd=ROOT, input=lines, capture_output=True, timeout=30, check=False)


def test_for_people_it_prints_the_reckoning_day_by_day() -> None:
    done = run("--from", "2026-08-28T00:10+01:00", "--working-days", "5")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == [
        "from      Fri 28 Aug 2026 00:10 BST",
        "day 0     Fri 28 Aug 2026, not counted",
        "          Sat 29 Aug 2026, not counted",
        "          Sun 30 Aug 2026, not counted",
        "          Mon 31 Aug 2026, not counted: Summer bank holiday",
        "day 1     Tue 1 Sep 2026",
        "day 2     Wed 2 Sep 2026",
        "day 3     Thu 3 Sep 2026",
        "day 4     Fri 4 Sep 2026",
        "          Sat 5 Sep 2026, not counted",
        "          Sun 6 Sep 2026, not counted",
        "day 5     Mon 7 Sep 2026",
        "due       end of Mon 7 Sep 2026",
        "late from Tue 8 Sep 2026 00:00 BST",
        "calendar  england-and-wales/2026-11-22",
    ]


def test_for_programs_it_prints_exactly_the_agreed_keys() -> None:
    done = run("--from", "2026-01-16T23:50:00Z", "--working-days", "5", "--json")
    assert json.loads(done.stdout) == {
        "day0": "2026-01-16",
        "due": "2026-01-23",
        "late_from": "2026-01-24T00:00:00Z",
        "not_counted": [{"date": "2026-01-17", "why": "Saturday"}, {"date": "2026-01-18", "why": "Sunday"}],
    }


def test_a_negative_number_counts_back() -> None:
    done = run("--from", "2026-01-08T12:00Z", "--working-days", "-7", "--json")
    answer = json.loads(done.stdout)
    assert (answer["due"], answer["late_from"]) == ("2025-12-29", "2025-12-30T00:00:00Z")
    assert {"date": "2026-01-01", "why": "New Year’s Day"} in answer["not_counted"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--working-days", "5"), "--from is missing: give"),
        (("--from", "2026-08-28T00:10+01:00"), "--working-days is missing: give"),
        (("--from", "2026-08-28T00:10", "--working-days", "5"), "--from has no UTC offset"),
        (("--from", "2026-08-28", "--working-days", "5"), "--from has no UTC offset"),
        (("--from", "yesterday", "--working-days", "5"), "--from is no date and time: give"),
        (("--from", "2026-02-30T00:00Z", "--working-days", "5"), "--from is no date and time: give"),
        (("--from", "2026-08-28T00:10Z", "--working-days", "five"), "--working-days must be a whole number"),
        (("--from", "2026-08-28T00:10Z", "--working-days", "5.0"), "--working-days must be a whole number"),
        (("--from", "2026-08-28T00:10Z", "--working-days", "1_0"), "--working-days must be a whole number"),
        (("--from", "2026-08-28T00:10Z", "--working-days", "9" * 5000), "--working-days must be a whole number"),
        (("--from", "2028-12-28T12:00Z", "--working-days", "5"), "says nothing about 2029-01-01"),
        (("--from", "9999-12-31T23:59-12:00", "--working-days", "5"), "says nothing about 9999-12-31"),
        (("--from", "0001-01-01T00:00+12:00", "--working-days", "-5"), "says nothing about 0001-01-01"),
        (("--stdin", "--from", "2026-08-28T00:10Z"), "leave --from and --working-days out"),
    ],
)
def test_bad_input_gets_a_plain_sentence_that_names_the_field(arguments: tuple[str, ...], told: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert told in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_from_standard_input_each_line_gets_its_answer_and_a_bad_one_stops_nothing() -> None:
    lines = [
        b'{"at": "2026-08-28T00:10+01:00", "working_days": 5}',
        b"not json",
        b'["2026-08-28T00:10+01:00", 5]',
        b'{"working_days": 5}',
        b'{"at": 5, "working_days": 5}',
        b'{"at": "2026-08-28T00:10", "working_days": 5}',
        b'{"at": "2026-08-28T00:10Z", "working_days": "5"}',
        b'{"at": "2026-08-28T00:10Z", "working_days": true}',
        b'{"at": "2026-08-28T00:10Z"}',
        b'{"at": "2028-12-28T00:10Z", "working_days": 5}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"",
        b'{"at": "2026-04-14T12:00+01:00", "working_days": -7}',
    ]
    done = run("--stdin", lines=b"\n".join(lines) + b"\n")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert done.stderr == b""
    assert len(answers) == len(lines)
    assert answers[0]["due"] == "2026-09-07"
    assert answers[-1]["due"] == "2026-04-01"
    told = [
        "JSON",
        "JSON object",
        "at is missing",
        "at is no text",
        "at has no UTC offset",
        "working_days must",
        "working_days must",
    ]
    told += ["working_days must", "says nothing about 2029-01-01", "JSON", "JSON", "JSON"]
    for answer, words in zip(answers[1:-1], told, strict=True):
        assert list(answer) == ["error"]
        assert words in answer["error"]


def test_when_every_line_is_good_the_status_is_0() -> None:
    done = run("--stdin", lines=b'{"at": "2026-08-28T00:10Z", "working_days": 0}\n')
    assert done.returncode == 0
    assert json.loads(done.stdout)["due"] == "2026-08-28"
    assert run("--stdin").returncode == 0
