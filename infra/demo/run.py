"""The demo: a stack of its own, every scenario played, each outcome compared, some notifications copied."""

import json
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from infra.contracts.agreements import directory
from infra.demo.act import Exchange, read_acts, topic_of
from infra.demo.act_checker import ACT, act_differences, read_act, refused
from infra.demo.checker import Difference, differences, read_expectations
from infra.demo.clock_mover import ClockMover
from infra.demo.exports import take_copies
from infra.demo.outside_eye import look
from infra.demo.player import Played, Player
from infra.demo.reading import Reading
from infra.demo.reviewing import RapidReview
from infra.demo.reviewing_checker import ACT as REVIEWING
from infra.demo.reviewing_checker import read_rapid_review_expected, review_differences
from infra.demo.reviewing_story import review_story
from infra.demo.scenarios import Scenario, Step, in_order, read_scenarios
from infra.demo.side_by_side import side_by_side
from infra.demo.signing_in import Tokens
from infra.demo.timeline import story, summary
from infra.demo.ways_in import Https, InboundTopics
from infra.issuer.identities import Installed
from infra.local.failures import CannotStart
from infra.local.home import Home
from infra.local.ports import StackPorts
from infra.local.stack import Stack
from shared.london import LONDON

Say = Callable[[str], None]
OPERATOR = "operator"
HEALTHY_SECONDS = 120.0


@dataclass(frozen=True)
class Act:
    """What a further act came to. `found` is what each agency saw."""

    differences: tuple[Difference, ...] = ()
    found: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return "otherwise than expected" if self.differences else "as expected"


@dataclass(frozen=True)
class Outcome:
    """What `make demo` comes to. `found` is what became of each scenario, by its name."""

    scenarios: int
    differences: tuple[Difference, ...]
    exports: tuple[str, ...]
    acts: Mapping[str, Act] = field(default_factory=dict)
    found: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def as_expected(self) -> int:
        """How many scenarios came out as expected."""
        return self.scenarios - len({one.scenario for one in self.differences})

    def line(self) -> str:
        """The last line of the demo: one line of JSON."""
        acts = {name: str(act) for name, act in self.acts.items()}
        told = {"scenarios": self.scenarios, "as_expected": self.as_expected, "exports": list(self.exports)}
        return json.dumps(told | {"acts": acts})

    @property
    def status(self) -> int:
        """The exit status: 1 if anything is otherwise than expected."""
        return 1 if self.every_difference else 0

    @property
    def every_difference(self) -> tuple[Difference, ...]:
        """Of the scenarios, and of the acts after them."""
        return (*self.differences, *(one for act in self.acts.values() for one in act.differences))


def run(home: Path, ports: StackPorts, expectations: Path, only: Collection[str] = (), say: Say = print) -> Outcome:
    """Wipe the demo's own state, play everything (or `only` some, by name), stop everything. Raises CannotStart."""
    expected = read_expectations(expectations)
    expected |= {ACT: read_act(expectations), REVIEWING: read_rapid_review_expected(expectations)}
    scenarios = [one for one in (*read_scenarios(), *read_acts()) if not only or one.name in only]
    wipe(home)
    first = in_order(scenarios)[0]
    # An hour before the first message, so that its own instant is still to come when everything stands.
    stack = Stack(home, ports, clock_start=first.at.replace(minute=0))
    try:
        stack.start()
        stack.wait_healthy(HEALTHY_SECONDS)
        return _play(stack, scenarios, expected, home / "exports", say)
    finally:
        stack.stop()


def wipe(home: Path) -> None:
    """Remove the folder of an earlier run, killed ones included.

    Raises CannotStart when a run has it still, and for a folder that no stack has made.
    """
    if home.exists() and any(home.iterdir()):
        if not (home / "made-by").exists():
            raise CannotStart(
                f"{home} holds something else than a stack, and would be wiped: name another with --home."
            )
        with Home(home).hold(any_version=True):
            shutil.rmtree(home)


def _play(stack: Stack, scenarios: list[Scenario], expected: dict[str, Any], exports: Path, say: Say) -> Outcome:
    begun = time.monotonic()
    with ExitStack() as held:
        http = held.enter_context(httpx.Client(timeout=30))
        tokens = Tokens(stack.urls["issuer"], Installed(stack.home.folder / "issuer" / "identities"), http)
        https = Https([stack.urls["gateway"], stack.urls["gateway-2"]], tokens, http)
        sign_in = {agency: stack.kafka_sign_in(agency) for agency in stack.agencies}
        topics = InboundTopics(stack.kafka.agencies_bootstrap, stack.kafka.authority, sign_in, https)
        held.callback(topics.close)
        services = {name: url for name, url in stack.urls.items() if name != "issuer"}
        mover = ClockMover(stack.clock_file, services, lambda: tokens.headers(OPERATOR), http)
        held.callback(mover.close)
        topic = topic_of(stack.kafka.agencies_bootstrap, stack.kafka.authority, sign_in)
        act, reviewing = Exchange(https, topic, directory()), RapidReview(https)
        player = Player(https, topics, mover, reviewing.look_up)
        everything = player.play(scenarios, _progress(say, act))
        played = [one for one in everything if one.scenario.name not in (ACT, REVIEWING)]
        reading = Reading(https, look(stack.kafka))
        found = [reading.found(one) for one in played]
        wrong = [
            differences(one.scenario.name, expected.get(one.scenario.name), told)
            for one, told in zip(played, found, strict=True)
        ]
        for one, told, differing in zip(played, found, wrong, strict=True):
            say(story(one, told, differing))
        acts = {one.scenario.name: _act(act, one, expected[ACT], say) for one in everything if one.scenario.name == ACT}
        copies = take_copies(https, played, exports)
        for one in everything:
            if one.scenario.name == REVIEWING:
                acts[REVIEWING] = _review(reviewing, one, reading, expected[REVIEWING], say)
                copies += reviewing.copies(one, exports / REVIEWING)
        say(summary(everything, len(acts), mover.moves, time.monotonic() - begun))
    every = tuple(one for several in wrong for one in several)
    by_name = {one.scenario.name: told for one, told in zip(played, found, strict=True)}
    return Outcome(len(played), every, tuple(map(_path, copies)), acts, by_name)


def _act(act: Exchange, played: Played, expected: Mapping[str, Any], say: Say) -> Act:
    found = act.found(played)
    wrong = (*refused(played), *act_differences(expected, found))
    say(side_by_side(played.scenario, found, wrong))
    return Act(wrong, found)


def _review(reviewing: RapidReview, played: Played, reading: Reading, expected: Mapping[str, Any], say: Say) -> Act:
    found = reviewing.found(played, reading)
    wrong = tuple(review_differences(expected, found))
    say(review_story(played, found, wrong))
    return Act(wrong, found)


def _progress(say: Say, act: Exchange) -> Callable[[Played, Step], None]:
    def told(played: Played, step: Step) -> None:
        if step is played.scenario.steps[0]:
            at = step.at.astimezone(LONDON)
            say(f"{at:%a} {at.day:>2} {at:%b %Y}  {played.scenario.title}")
        act.told(played, step)

    return told


def _path(path: Path) -> str:
    """As one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
