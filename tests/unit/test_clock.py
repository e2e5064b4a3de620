"""The business clock: read back from its history, moved forward, never back."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import AlreadyBegun, BrokenHistory, MovableClock, MovedBackwards, RealClock, clock_from
from shared.london import NaiveInstant, london_date

START = datetime(2020, 4, 30, 9, 0, tzinfo=UTC)
REAL = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "clock.jsonl"
    MovableClock.begin(path, START, REAL)
    return path


def test_the_london_date_of_an_instant_shortly_before_midnight_utc_in_summer_is_the_next_day() -> None:
    assert london_date(datetime(2026, 8, 27, 23, 10, tzinfo=UTC)) == date(2026, 8, 28)
    assert london_date(datetime(2026, 8, 27, 22, 50, tzinfo=UTC)) == date(2026, 8, 27)
    assert london_date(datetime(2026, 1, 16, 23, 50, tzinfo=UTC)) == date(2026, 1, 16)


def test_a_naive_instant_is_refused() -> None:
    naive = datetime(2026, 8, 28)  # noqa: DTZ001
    with pytest.raises(NaiveInstant):
        london_date(naive)
    with pytest.raises(NaiveInstant):
        RealClock().at(naive)


def test_without_a_history_business_time_is_real_time() -> None:
    clock = clock_from(None)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.at(REAL) == REAL


def test_business_time_runs_on_at_real_speed_from_where_it_began(history: Path) -> None:
    clock = MovableClock(history)
    assert clock.at(REAL + timedelta(minutes=7)) == START + timedelta(minutes=7)
    assert clock.at(REAL - timedelta(minutes=1)) == START - timedelta(minutes=1)
    expected = START + (datetime.now(UTC) - REAL)
    assert abs(clock.now() - expected) < timedelta(seconds=5)


def test_a_real_instant_is_read_by_the_move_that_held_at_that_time(history: Path) -> None:
    moved = REAL + timedelta(minutes=5)
    later = START + timedelta(days=7)
    with history.open("a") as file:
        file.write(json.dumps({"real": moved.isoformat(), "business": later.isoformat()}) + "\n")
    clock = MovableClock(history)
    assert clock.at(moved - timedelta(seconds=1)) == START + timedelta(minutes=4, seconds=59)
    assert clock.at(moved) == later
    assert clock.at(moved + timedelta(seconds=1)) == later + timedelta(seconds=1)


def test_a_move_is_seen_by_clocks_that_other_processes_hold(history: Path) -> None:
    clock = MovableClock(history)
    to = clock.now() + timedelta(days=30)
    MovableClock.move(history, to)
    assert to <= clock.now() < to + timedelta(seconds=5)


def test_the_clock_cannot_be_moved_back(history: Path) -> None:
    clock = MovableClock(history)
    with pytest.raises(MovedBackwards, match="cannot go back"):
        MovableClock.move(history, clock.now() - timedelta(seconds=1))
    assert len(history.read_text().splitlines()) == 1


def test_beginning_twice_is_refused_because_it_would_go_back(history: Path) -> None:
    with pytest.raises(AlreadyBegun):
        MovableClock.begin(history, START)


def test_a_line_still_being_written_is_not_read(history: Path) -> None:
    clock = MovableClock(history)
    with history.open("a") as file:
        file.write('{"real": "2026-11-22T05:00')
    clock.reload()
    assert clock.at(REAL) == START


def test_half_a_line_that_a_dead_writer_left_does_not_spoil_the_next_move(history: Path) -> None:
    with history.open("a") as file:
        file.write('{"real": "2026-11-22T05:00')
    to = MovableClock(history).now() + timedelta(days=3)
    MovableClock.move(history, to)
    assert MovableClock(history).now() >= to


@pytest.mark.parametrize(
    "content", ["", "nonsense\n", "{}\n", '{"real": "2026-11-22", "business": "2020-01-01"}\n', "3\n"]
)
def test_a_history_that_cannot_be_read_is_said_to_be_broken(tmp_path: Path, content: str) -> None:
    path = tmp_path / "clock.jsonl"
    path.write_text(content)
    with pytest.raises(BrokenHistory):
        MovableClock(path)


@given(
    jumps=st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=6),
    reals=st.lists(st.integers(min_value=-(10**7), max_value=10**9), min_size=2, max_size=20),
)
def test_business_time_never_goes_back_while_real_time_goes_on(
    tmp_path_factory: pytest.TempPathFactory, jumps: list[int], reals: list[int]
) -> None:
    path = tmp_path_factory.mktemp("clock") / "clock.jsonl"
    real = datetime.now(UTC)
    MovableClock.begin(path, START, real)
    for jump in jumps:
        MovableClock.move(path, MovableClock(path).now() + timedelta(seconds=jump + 1))
    clock = MovableClock(path)
    read = [clock.at(real + timedelta(microseconds=offset)) for offset in sorted(reals)]
    assert read == sorted(read)
    assert all(instant.tzinfo is UTC for instant in read)


def test_the_history_stays_in_order_when_the_hosts_own_clock_was_set_back(tmp_path: Path) -> None:
    path = tmp_path / "clock.jsonl"
    ahead = datetime.now(UTC) + timedelta(hours=1)
    MovableClock.begin(path, START, ahead)
    with pytest.raises(MovedBackwards):
        MovableClock.move(path, START - timedelta(minutes=30))
    MovableClock.move(path, START + timedelta(days=1))
    clock = MovableClock(path)
    assert clock.at(ahead) == START + timedelta(days=1)
