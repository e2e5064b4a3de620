"""The way in over HTTPS, and what became of what came in."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from contracts.envelope import BATCH_CONTENT_TYPE, CONTENT_TYPE
from services.gateway import receipts
from services.gateway.answers import Answers
from services.gateway.checks import Arrival, Rejected, check
from services.gateway.directory import Directory, party_of
from services.gateway.door import Away, Door
from services.gateway.intake import Taken
from services.gateway.receipts import REFUSED, Receipt
from shared.clock import Clock
from shared.database import Database
from shared.http import Cursors, Fault, Problem, not_found
from shared.identity import Caller, caller
from shared.vault_client import NoSealingKey

LARGEST_BODY = 10 * 1024 * 1024
"""Bytes."""

MOST_EVENTS = 1000
"""In one batch."""

LONGEST_WAIT = 30.0
"""Seconds that `Prefer: wait` may hold a request."""

Who = Annotated[Caller, Depends(caller)]
Allow = Callable[[str, int], Awaitable[None]]
"""Lets a caller's so many events through, or raises the problem 429."""


@dataclass(frozen=True)
class WayIn:
    """What the routes here need."""

    door: Door
    database: Database
    standing: Callable[[], Directory]
    answers: Answers
    clock: Clock
    cursors: Cursors
    allow: Allow

    def arrival(self, who: Caller) -> Arrival:
        """The caller as the one who brings a message, now."""
        party = party_of(self.standing(), who)
        if party is None:
            remedy = "Only an agency's system, or a person of an agency listed here, may send events."
            raise Problem(403, "not-permitted", "Not permitted", remedy)
        return Arrival(party, self.clock.now(), partnerships=who.partnerships)


def events_router(way: WayIn) -> APIRouter:
    """`POST /v1/events` and the receipts."""
    router = APIRouter(prefix="/v1", tags=["events"])

    @router.post("/events", status_code=202, max_body_size=LARGEST_BODY, summary="Publish one event, or a batch")
    async def events(request: Request, who: Who) -> Response:
        arrival = way.arrival(who)
        batch = _is_batch(request)
        values = _values(await request.body(), batch=batch)
        await way.allow(arrival.party.agency, len(values))
        try:
            taken = await way.door.take(values, arrival, batch=batch)
        except (Away, NoSealingKey):
            raise _away() from None
        waited = _wait(request.headers.get("prefer", ""))
        if waited:
            taken = await _with_verdicts(way, arrival.party.agency, taken, waited)
        answer = _batch_answer(taken, waited=bool(waited)) if batch else _answer(taken[0], waited=bool(waited))
        if waited:
            answer.headers["preference-applied"] = f"wait={waited:g}"
        return answer

    @router.post("/events/check", max_body_size=LARGEST_BODY, summary="What is wrong with one event; nothing is taken")
    async def looked_over(request: Request, who: Who) -> Response:
        # What only the incident's own state can refuse is not told here: sending tells.
        arrival = way.arrival(who)
        (value,) = _values(await request.body(), batch=False)
        await way.allow(arrival.party.agency, 1)
        try:
            check(value, arrival, way.standing())
        except Rejected as rejected:
            return _json({"faults": [fault.model_dump(mode="json") for fault in rejected.faults]})
        return _json({"faults": []})

    @router.get("/submissions/{submission}", summary="What became of one message")
    async def submission(submission: str, who: Who) -> Response:
        party = way.arrival(who).party
        async with way.database.reading() as connection:
            found = await receipts.submission(connection, party.agency, _plain(submission), party.person)
        return _receipt(found)

    @router.get("/submissions", summary="What became of a message, by its own id or offset; or of all, newest first")
    async def submissions(
        who: Who,
        source: Annotated[str | None, Query(max_length=100)] = None,
        event_id: Annotated[str | None, Query(alias="id", max_length=64)] = None,
        offset: Annotated[int | None, Query(alias="topic-offset", ge=0, lt=2**62)] = None,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        party = way.arrival(who).party
        agency, person = party.agency, party.person
        async with way.database.reading() as connection:
            if offset is not None:
                return _receipt(await receipts.at_offset(connection, agency, offset, person))
            if event_id is not None:
                named = _plain(source) if source is not None else f"/agencies/{agency}"
                return _receipt(await receipts.latest(connection, agency, named, _plain(event_id), person))
            listed = f"submissions of {agency}"
            before = way.cursors.decode(cursor, of=listed)["before"] if cursor else None
            rows = await receipts.recent(connection, agency, before, limit, person)
        more = way.cursors.encode({"before": rows[-1][0]}, of=listed) if len(rows) == limit else None
        return _json({"items": [receipt.to_json() for _, receipt in rows]} | ({"next": more} if more else {}))

    return router


def _is_batch(request: Request) -> bool:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in (CONTENT_TYPE, BATCH_CONTENT_TYPE):
        remedy = f"Send one event as {CONTENT_TYPE}, or several as {BATCH_CONTENT_TYPE}."
        fault = Fault("/header/content-type", "content-type", remedy, f"{CONTENT_TYPE}; {BATCH_CONTENT_TYPE}")
        raise Problem(415, "content-type", "Not a CloudEvent", remedy, [fault])
    return content_type == BATCH_CONTENT_TYPE


def _values(body: bytes, *, batch: bool) -> Sequence[Any]:
    try:
        value = orjson.loads(body)
    except ValueError:
        remedy = "The body is not JSON in UTF-8, or is nested too deeply; mend it and send it again."
        raise Problem(400, "malformed-json", "Malformed JSON", remedy) from None
    if not batch:
        return [value]
    if not isinstance(value, list) or not value:
        remedy = "A batch is a JSON array of at least one event."
        raise Problem(422, "invalid", "Not a batch", remedy, [Fault("", "list-type", remedy)])
    if len(value) > MOST_EVENTS:
        remedy = f"Send at most {MOST_EVENTS} events in a batch."
        fault = Fault("", "too-long", remedy, f"at most {MOST_EVENTS} events")
        raise Problem(413, "too-many-events", "Batch too large", remedy, [fault])
    return value


def _wait(prefer: str) -> float:
    """Seconds that the sender would wait for the verdict (RFC 7240), at most `LONGEST_WAIT`."""
    found = re.search(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,6})", prefer, re.IGNORECASE)
    return min(float(found[1]), LONGEST_WAIT) if found else 0.0


async def _with_verdicts(way: WayIn, agency: str, taken: Sequence[Taken], seconds: float) -> list[Taken]:
    open_ = [each.receipt.submission for each in taken if each.receipt is not None and not each.receipt.final]
    if not open_:
        return list(taken)
    await way.answers.verdicts(open_, seconds)
    found: dict[str, Receipt] = {}
    async with way.database.reading() as connection:
        for submission in open_:
            receipt = await receipts.submission(connection, agency, submission)
            if receipt is not None:
                found[submission] = receipt
    return [
        Taken(found.get(each.receipt.submission, each.receipt), each.repeated) if each.receipt else each
        for each in taken
    ]


def _answer(taken: Taken, *, waited: bool) -> Response:
    receipt = taken.receipt
    assert receipt is not None  # only what stands in a batch can depend on another
    if receipt.status == REFUSED:
        return _refusal(receipt).response()
    return _json(receipt.to_json(), _status(taken, receipt, waited=waited), {"location": _location(receipt)})


def _status(taken: Taken, receipt: Receipt, *, waited: bool) -> int:
    """200 for what was known before or was waited for, 202 for what was just taken."""
    if receipt.status == REFUSED:
        return receipt.http_status
    return 200 if taken.repeated or (waited and receipt.final) else 202


_TITLES = {
    400: ("malformed-json", "Malformed JSON"),
    403: ("not-permitted", "Not permitted"),
    404: ("not-found", "Not found"),
    409: ("id-used", "Another message was taken under this id"),
    422: ("invalid", "The event cannot be taken"),
}


def _refusal(receipt: Receipt) -> Problem:
    slug, title = _TITLES[receipt.http_status]
    return Problem(
        receipt.http_status,
        slug,
        title,
        "Mend every fault listed and send it again; a refused message does not use its id up.",
        [Fault(fault.pointer, fault.rule, fault.detail, "; ".join(fault.allowed) or None) for fault in receipt.faults],
        headers={"location": _location(receipt)},
        more={"submission": receipt.submission},
    )


def _batch_answer(taken: Sequence[Taken], *, waited: bool) -> Response:
    return _json({"items": [_item(number, each, waited=waited) for number, each in enumerate(taken)]}, 202)


def _item(number: int, taken: Taken, *, waited: bool) -> dict[str, Any]:
    if taken.receipt is None:
        return {
            "index": number,
            "httpStatus": 424,
            "status": "not attempted",
            "detail": "An earlier event of this batch about the same incident failed; send this one again after it.",
        }
    receipt = taken.receipt
    status = _status(taken, receipt, waited=waited)
    return {"index": number, "httpStatus": status, "location": _location(receipt)} | receipt.to_json()


def _location(receipt: Receipt) -> str:
    return f"/v1/submissions/{receipt.submission}"


def _receipt(found: Receipt | None) -> Response:
    if found is None:
        raise not_found()
    return _json(found.to_json())


def _plain(text: str) -> str:
    """What an id can be; PostgreSQL takes no NUL, and there is nothing under such a name."""
    if not text.isprintable():
        raise not_found()
    return text


def _json(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, dict(headers or {}), "application/json")


def _away() -> Problem:
    remedy = "Nothing was taken; send the same again shortly."
    return Problem(503, "not-taken", "The gateway cannot take events just now", remedy, headers={"Retry-After": "2"})
