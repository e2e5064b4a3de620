"""What is sent: a referral and a draft as agencies write them, with `@id` where each message's own id goes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.envelope import BATCH_CONTENT_TYPE, CONTENT_TYPE
from tests.bench.ground import Ground
from tests.bench.load import Sender

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples" / "proposals"
AGENCIES = ("northshire-police", "northshire-icb", "northshire-academy", "harbour-homes")
"""Four, since each may send so much and no more: one alone would measure its own limit."""

MARKS = ("nhsNumber", "upn", "localId", "dateOfBirth")


def example(name: str, **attributes: Any) -> dict[str, Any]:
    """A committed example, to be sent now."""
    value: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return value | {"id": "@id", "time": datetime.now(UTC).isoformat()} | attributes


def referral(agency: str) -> str:
    """A referral of one child's serious harm, 1.6 kB, with words and an identity to be sealed.

    Each of a child of its own, of another name at another address, and without a day of birth that it would share with
    thousands: the vault would notice that they are alike, and tell of each one's likeness to others.
    """
    value = example("incident.referred.v1", source=f"/agencies/{agency}", incidentref="@id")
    value["data"]["occurrence"]["dateFrom"] = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    for child in value["data"]["children"]:
        kept = {name: told for name, told in child["identity"].items() if name not in MARKS}
        child |= {"identity": kept | {"name": "@id", "address": "@id Street, Northshire"}, "ageAtIncident": 3}
    return json.dumps(value)


def senders(ground: Ground, url: str, *, batch: int = 0, connections: int = 8) -> list[Sender]:
    """So many connections of four agencies, each sending referrals."""
    as_ = BATCH_CONTENT_TYPE if batch else CONTENT_TYPE
    return [
        Sender(f"{url}/v1/events", ground.tokens.of(agency), referral(agency), as_, batch)
        for agency in (AGENCIES[number % len(AGENCIES)] for number in range(connections))
    ]
