"""Plays the scenarios: each message at its business instant, through its own way in, by whoever sends it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from infra.demo.clock_mover import ClockMover
from infra.demo.scenarios import BadScenario, Scenario, Step, filled, in_order
from infra.demo.ways_in import Https, InboundTopics, Sent


@dataclass
class Played:
    """What a scenario's senders were told at once, by step, and the incidents that its referrals opened."""

    scenario: Scenario
    sent: dict[str, Sent] = field(default_factory=dict)
    incidents: dict[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether every step has been played."""
        return len(self.sent) == len(self.scenario.steps)


LookUp = Callable[[Played, str], str]
"""What a placeholder of an act stands for; raises BadScenario where there is nothing."""


class Player:
    """Moves business time from step to step, and to whatever is due between them."""

    def __init__(self, https: Https, topics: InboundTopics, mover: ClockMover, look_up: LookUp | None = None) -> None:
        self._https = https
        self._topics = topics
        self._mover = mover
        self._look_up = look_up

    def play(self, scenarios: Sequence[Scenario], told: Callable[[Played, Step], None]) -> list[Played]:
        """Plays all of them, interleaved as business time has them. `told` hears of each step when it was sent."""
        played = {scenario.name: Played(scenario) for scenario in scenarios}
        for step in in_order(scenarios):
            self._mover.advance(step.at)
            one = played[step.scenario]
            one.sent[step.name] = sent = self._send(step, one)
            self._mover.sent(step.at)
            if step.refers and sent.status == "accepted" and sent.incident not in (None, *one.incidents.values()):
                one.incidents[step.name] = str(sent.incident)
            told(one, step)
        self._mover.settle()
        return list(played.values())

    def _send(self, step: Step, played: Played) -> Sent:
        try:
            content = self._content(step, played)
        except BadScenario as missing:
            return Sent(f"not sent: {missing}")
        if step.via == "kafka":
            return self._topics.send(step.by, content, step.topic)
        return self._https.send(step.by, content)

    def _content(self, step: Step, played: Played) -> bytes:
        if step.event is None:
            return str(step.raw).encode()
        look_up = partial(self._look_up, played) if self._look_up else None
        return json.dumps(filled(step.event, played.incidents, look_up)).encode()
