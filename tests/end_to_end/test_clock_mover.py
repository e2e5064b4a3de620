"""Business time stops wherever a clock has something to say, and moves only once the stack is quiet."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from infra.demo import clock_mover
from infra.demo.clock_mover import ClockMover, NotQuiet
from shared.clock import MovableClock

START = datetime(2026, 8, 28, 9, tzinfo=UTC)


class Services:
    """Two services that say when something is due, and note at which business instants they were ticked."""

    def __init__(self, clock_file: Path, due: list[datetime]) -> None:
        self.clock = MovableClock(clock_file)
        self.due = due
        self.unquiet = 0
        self.deaf = False
        self.ticked: list[datetime] = []
        self.asked = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/operations/clock/tick":
            self.ticked.append(self.clock.now())
            self.due = [at for at in self.due if self.deaf or at > self.clock.now()]
        self.asked += 1
        self.unquiet -= 1
        told: dict[str, object] = {
            "quiet": self.unquiet < 0,
            "nextDue": min(self.due).isoformat() if self.due else None,
            "waitsFor": {},
        }
        return httpx.Response(200, content=json.dumps(told))


@pytest.fixture
def clock_file(tmp_path: Path) -> Path:
    path = tmp_path / "clock.jsonl"
    MovableClock.begin(path, START)
    return path


@pytest.fixture
def mover(clock_file: Path, services: Services) -> Iterator[ClockMover]:
    urls = {"gateway": "http://gateway", "notifications": "http://notifications"}
    with httpx.Client(transport=httpx.MockTransport(services.answer)) as http:
        mover = ClockMover(clock_file, urls, dict, http)
        yield mover
        mover.close()


@pytest.fixture
def services(clock_file: Path) -> Services:
    return Services(clock_file, [])


def test_it_stops_at_every_instant_that_is_due_and_ticks_every_service_there(
    mover: ClockMover, services: Services
) -> None:
    due = [START + timedelta(days=3), START + timedelta(days=5), START + timedelta(days=30)]
    services.due = list(due)

    mover.advance(START + timedelta(days=10))

    assert [at.date() for at in services.ticked] == [due[0].date(), due[0].date(), due[1].date(), due[1].date()]
    assert services.clock.now() - (START + timedelta(days=10)) < timedelta(minutes=1)


def test_it_waits_until_nothing_is_on_its_way(mover: ClockMover, services: Services) -> None:
    services.unquiet = 7

    mover.advance(START + timedelta(days=1))

    assert services.asked >= 7 + 2 * clock_mover.ROUNDS


def test_it_need_not_ask_where_nothing_can_be_due(mover: ClockMover, services: Services) -> None:
    mover.advance(START + timedelta(hours=1))
    mover.sent(START + timedelta(hours=1))
    asked = services.asked

    mover.advance(START + timedelta(hours=3))

    assert services.asked == asked
    mover.advance(START + timedelta(hours=15))  # 01:00 in London: past midnight
    assert services.asked > asked


def test_a_stack_that_never_rests_is_an_error_that_says_what_waits(
    mover: ClockMover, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_mover, "QUIET_SECONDS", 0.1)
    services.unquiet = 10**9

    with pytest.raises(NotQuiet, match="gateway"):
        mover.settle()


def test_a_clock_that_ticking_does_not_help_is_an_error(
    mover: ClockMover, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_mover, "TICKS", 3)
    services.due, services.deaf = [START + timedelta(days=1)], True

    with pytest.raises(NotQuiet, match="is due still"):
        mover.advance(START + timedelta(days=2))
