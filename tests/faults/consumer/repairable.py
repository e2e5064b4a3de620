"""A service whose reaction cannot bear some facts until it is repaired, and the vault that keeps what it parks."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from contracts.envelope import Event
from contracts.incidents import IncidentClosed
from shared.consumer import Reactions, Reader, Replay, Which, Work
from tests.faults.consumer.ground import FakeRelay, Ground, closed, relay, subject, until


@dataclass
class Repairable:
    """A service whose reaction cannot bear the facts of some versions, until it is repaired."""

    here: Ground
    reader: Reader
    replay: Replay
    relayed: FakeRelay
    unbearable: set[int]

    async def heard(self, *expected: tuple[int, int]) -> None:
        async def so() -> bool:
            return await self.here.rows() == [(subject(key), version) for key, version in expected]

        await until(so)

    async def parked(self, number: int) -> None:
        async def so() -> bool:
            return await self.here.rows("select count(*) from reader_parked where settled_at is null") == [(number,)]

        await until(so)

    async def send(self, *facts: tuple[int, int]) -> None:
        for key, version in facts:
            await self.relayed.send(closed(subject(key), version).to_json(), subject(key))

    def all_of(self, key: int) -> Which:
        return Which(self.here.topic, subject(key))


async def vault(here: Ground, refs: Sequence[str]) -> Mapping[str, Any]:
    """The vault's side: opens the parcels and gives back what lies under these references."""
    found: dict[str, Any] = {}
    for sealed in await here.opened_parcels():
        found |= {item["ref"]: item["value"] for item in json.loads(sealed)["items"]}
    return {ref: found[ref] for ref in refs}


@asynccontextmanager
async def repairable(here: Ground) -> AsyncIterator[Repairable]:
    unbearable: set[int] = set()
    reactions = Reactions("ground")

    @reactions.on(here.topic, "incident.closed")
    async def record(event: Event[IncidentClosed], work: Work) -> None:
        if event.streamversion in unbearable:
            raise ZeroDivisionError
        await work.tx.connection.execute(
            text("insert into effect (subject, event, version) values (:subject, :event, :version)"),
            {"subject": event.subject, "event": event.id, "version": event.streamversion},
        )

    async with here.database() as database, relay(here.stack.kafka, here.topic) as relayed:
        reader = here.reader(database, reactions, folds=[here.topic])
        replay = Replay(reader, lambda refs: vault(here, refs))
        async with here.running(reader):
            yield Repairable(here, reader, replay, relayed, unbearable)
