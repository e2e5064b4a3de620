"""The second act: four agencies of different kinds follow one incident in their feeds, and a fifth is shut out."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from contracts.directory import Directory
from contracts.vault import Purpose
from infra.demo.act_checker import ACT
from infra.demo.cuts import Seen, cut
from infra.demo.feeds import Feed, about, over_https, over_kafka
from infra.demo.outside_eye import Seen as Record
from infra.demo.outside_eye import words_in_the_open
from infra.demo.player import Played
from infra.demo.scenarios import SCENARIOS, Scenario, Step, read_scenarios
from infra.demo.ways_in import Https

ACTS = SCENARIOS.with_name("acts")
AUTHORITY = "northshire-council"
FOLLOWING = (AUTHORITY, "northshire-police", "northshire-icb", "panel")
SHUT_OUT = "harbour-homes"
BEFORE = "referral"
"""The step after which whoever is shut out later has the incident in its feed."""

ARRIVES_SECONDS = 30.0
POLL_SECONDS = 0.1

Topic = Callable[[str, int], Iterable[Mapping[str, Any]]]


def read_acts() -> list[Scenario]:
    """The acts' messages, in their order. Raises BadScenario."""
    return read_scenarios(ACTS)


def read_exchange() -> Scenario:
    """The second act's messages. Raises BadScenario."""
    (act,) = (act for act in read_acts() if act.name == ACT)
    return act


class Exchange:
    """Watches the act while it is played, and reads every agency's feed after it.

    `topic` gives the records on an agency's outbound topic, up to a number of its feed.
    """

    def __init__(self, https: Https, topic: Topic, directory: Directory) -> None:
        self._https = https
        self._topic = topic
        self._directory = directory
        self._at_first: Feed = {}

    def told(self, played: Played, step: Step) -> None:
        """Hears of each step of the play: notes what the excluded agency saw while it was not excluded."""
        if played.scenario.name == ACT and step.name == BEFORE:
            self._at_first = self._once_there(SHUT_OUT, played.incidents.get(BEFORE, ""))

    def found(self, played: Played) -> dict[str, dict[str, Any]]:
        """What each agency sees of the incident, in the shape of the expectations. Raises FeedUnreadable."""
        incident = played.incidents.get(BEFORE, "")
        feeds = {agency: over_https(self._https, agency) for agency in (*FOLLOWING, SHUT_OUT)}
        whole = about(feeds[AUTHORITY], incident)
        return {
            agency: cut(self._seen(agency, feed, played, incident), whole, incident) for agency, feed in feeds.items()
        }

    def _seen(self, agency: str, feed: Feed, played: Played, incident: str) -> Seen:
        on_topic = [*self._topic(agency, max(feed, default=0))]
        return Seen(
            self._directory.agencies[agency].type.value,
            feed,
            on_topic,
            self._answers(agency, incident),
            self._astray(agency, feed, incident),
            words_in_the_open(
                (Record(agency, json.dumps(record).encode(), record) for record in on_topic), played.scenario
            ),
            self._at_first if agency == SHUT_OUT else {},
        )

    def _answers(self, agency: str, incident: str) -> dict[str, int]:
        return {
            "incident": self._https.get(agency, f"/v1/incidents/{incident}").status_code,
            "notification": self._https.get(agency, f"/v1/notifications/{incident}").status_code,
        }

    def _astray(self, agency: str, feed: Feed, incident: str) -> list[str]:
        """Links to the words that an agency was sent, and that it does not find."""
        links = {event["dataref"] for event in about(feed, incident).values() if event.get("dataref")}
        return sorted(
            link for link in links if not self._https.get(agency, link, {"purpose": _purpose(link)}).is_success
        )

    def _once_there(self, agency: str, incident: str) -> Feed:
        """The agency's feed once it holds the incident; as it is, where that takes too long."""
        until = time.monotonic() + ARRIVES_SECONDS
        while not about(feed := over_https(self._https, agency), incident) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        return feed


def _purpose(link: str) -> str:
    """For what an agency's system asks there: each look is recorded with it."""
    return (Purpose.PANEL_EXPORT if link.startswith("/v1/notifications/") else Purpose.REVIEW).value


def topic_of(bootstrap: str, authority: Path, sign_in: Mapping[str, tuple[str, str]]) -> Topic:
    """Reads outbound topics as the agencies' own programs do."""
    return lambda agency, until: over_kafka(bootstrap, authority, sign_in[agency], agency, until)
