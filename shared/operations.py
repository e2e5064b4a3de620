"""What operators of a service can ask and do: signals, parked events, rebuild, verify, and the business clock."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.clock import Clock, MovableClock
from shared.consumer import Parked, Replay, Which
from shared.consumer.errors import mended_by_time
from shared.consumer.parking import parked_events
from shared.database import Database
from shared.identity import Caller, caller
from shared.problems import Problem, not_found
from shared.signals import Signals

log = logging.getLogger(__name__)


class OfKey(BaseModel):
    """Which parked events: all of a key, or one that holds nothing up, by its place."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    topic: str
    key: str | None = None
    partition: int | None = None
    offset: int | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "OfKey":
        if (self.key is None) == (self.partition is None or self.offset is None):
            raise ValueError("give a key, or a partition and an offset")
        return self

    def which(self) -> Which:
        return Which(self.topic, self.key, self.partition, self.offset)


class Discarded(OfKey):
    """Which event is given up, and why, as a code that names nobody."""

    why: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{2,60}$")]


@dataclass(frozen=True)
class Operated:
    """What a service lets operators ask and do. `rebuild` and `verify` answer with what they found.

    `tick` does everything that has become due by now; `next_due` tells the next instant at which anything will be.
    """

    service: str
    database: Database
    clock: Clock
    signals: Signals
    replay: Replay | None = None
    rebuild: Callable[[], Awaitable[Any]] | None = None
    verify: Callable[[], Awaitable[Any]] | None = None
    tick: Callable[[], Awaitable[None]] | None = None
    next_due: Callable[[], Awaitable[datetime | None]] | None = None
    more: Sequence[Callable[..., Any]] = field(default=())
    """Further dependencies of every route, such as a limit."""


async def operator(who: Annotated[Caller, Depends(caller)]) -> Caller:
    """Whoever has the role `operator`, person or service. Problem 403 for anybody else."""
    if "operator" not in who.roles:
        raise Problem(403, "not-permitted", "Not permitted", "Operations need the role operator.")
    return who


Operator = Annotated[Caller, Depends(operator)]


def operations_router(operated: Operated) -> APIRouter:
    """The routes under `/operations`; those for which the service has nothing are not there."""
    router = APIRouter(
        prefix="/operations",
        tags=["operations"],
        dependencies=[Depends(operator), *(Depends(each) for each in operated.more)],
    )
    _signals(router, operated)
    if operated.replay:
        _parked(router, operated, operated.replay)
    if operated.rebuild:
        router.add_api_route("/rebuild", operated.rebuild, methods=["POST"])
    if operated.verify:
        router.add_api_route("/verify", operated.verify, methods=["GET"])
    if isinstance(operated.clock, MovableClock):
        _clock(router, operated, operated.clock)
    return router


def _signals(router: APIRouter, operated: Operated) -> None:
    @router.get("/signals")
    async def signals() -> dict[str, Any]:
        now = await operated.signals.read()
        return {
            "service": operated.service,
            "signals": [
                {"name": signal.name, "value": now[signal.name], "meaning": signal.meaning}
                for signal in operated.signals.all
            ],
        }


def _parked(router: APIRouter, operated: Operated, replay: Replay) -> None:
    @router.get("/parked")
    async def parked(
        topic: str = "",
        partition: int = -1,
        offset: int = -1,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, list[dict[str, Any]]]:
        """What is parked, from behind the place given on."""
        async with operated.database.reading() as connection:
            page = await parked_events(connection, after=(topic, partition, offset), limit=limit)
        return {"items": [_told(event) for event in page]}

    @router.post("/parked/replay")
    async def again(those: OfKey, who: Operator) -> dict[str, Any]:
        log.warning("a replay was ordered", extra={"topic": those.topic, "by": who.id})
        try:
            return asdict(await replay.run(those.which()))
        except Exception as error:
            if not mended_by_time(error):
                raise
            remedy = "The database or the vault is away; what was replayed so far stays. Order it again shortly."
            raise Problem(503, "not-now", "Cannot be replayed now", remedy, headers={"Retry-After": "5"}) from None

    @router.post("/parked/discard")
    async def discard(that: Discarded, who: Operator) -> dict[str, Any]:
        event = await replay.discard(that.which(), by=who.id, why=that.why)
        if event is None:
            raise not_found()
        return _told(event)


def _told(event: Parked) -> dict[str, Any]:
    told = asdict(event)
    return {"parkedAt": told.pop("parked_at"), **told}


def _clock(router: APIRouter, operated: Operated, clock: MovableClock) -> None:
    async def standing() -> dict[str, Any]:
        unquiet = await operated.signals.unquiet()
        due = await operated.next_due() if operated.next_due else None
        return {
            "now": clock.now().isoformat(),
            "quiet": not unquiet,
            "waitsFor": unquiet,
            "nextDue": due.isoformat() if due else None,
        }

    @router.get("/clock")
    async def now() -> dict[str, Any]:
        return await standing()

    @router.post("/clock/tick")
    async def tick() -> dict[str, Any]:
        """Reads the clock's history again, does what has become due, and answers once that is done."""
        clock.reload()
        if operated.tick:
            await operated.tick()
        return await standing()
