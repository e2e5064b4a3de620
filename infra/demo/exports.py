"""Takes copies of some notifications, as a director would: PDF, JSON and CSV, through the gateway."""

import re
import time
from collections.abc import Iterable
from pathlib import Path

from infra.demo.player import Played
from infra.demo.reading import READERS
from infra.demo.ways_in import Https

COPIED = (
    *("after-midnight", "late-with-reason", "late-without-reason", "looked-after-killed", "placed-out-of-area"),
    *("four-children", "unborn"),
)
"""The scenarios whose notifications are worth looking at."""

FORMS = ("pdf", "json", "csv")
PURPOSE = "panel_export"
TRIES = 20
"""A copy may be asked for before the vault has filed what it needs: 503, try again."""


class NotCopied(Exception):
    """A copy could not be had; says which and what was answered."""


def take_copies(https: Https, played: Iterable[Played], folder: Path) -> list[Path]:
    """The files written. Raises NotCopied."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for one in played:
        if one.scenario.name in COPIED and one.incidents:
            referral, incident = next(reversed(one.incidents.items()))
            event = next(step.event for step in one.scenario.steps if step.name == referral) or {}
            for form in FORMS:
                content = _copy(https, READERS[event["partnership"]], incident, form)
                path = folder / f"{one.scenario.number:02d}-{one.scenario.name}.{form}"
                path.write_bytes(content)
                written.append(path)
    return written


def _copy(https: Https, reader: str, incident: str, form: str) -> bytes:
    for attempt in range(TRIES):
        answer = https.get(reader, f"/v1/notifications/{incident}/exports/{form}", {"purpose": PURPOSE})
        if answer.is_success:
            return answer.content
        if answer.status_code != 503:
            break
        time.sleep(0.1 * (attempt + 1))
    told = re.sub(r"\s+", " ", answer.text)[:300]
    raise NotCopied(f"the {form} of {incident} was answered {answer.status_code}: {told}")
