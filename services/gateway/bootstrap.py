"""`python -m services.gateway.bootstrap <agencies file>`: the very first facts of the directory.

An operator's act, done as migrations are, on the gateway's own database: nobody can propose anything yet. A partnership
that is there already is left as its people made it; `--amend` says anew whatever differs from the file.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import uuid4

from sqlalchemy import MetaData

from contracts.agreements import AgencyListed, AgreementApproved, AgreementProposed, PartnershipEstablished, Terms
from contracts.catalogue import version
from contracts.codes import Role
from contracts.directory import BOOTSTRAP, BadDirectory, Directory, said_in, stream_of
from contracts.envelope import AnyEvent, Classification, schema_urn
from contracts.sealing import Model
from services.gateway import views
from services.gateway.routing import route
from shared.clock import Clock, clock_from
from shared.database import Database, Transaction
from shared.decider import Outcome
from shared.eventlog import EventLog, log_tables
from shared.listed import directory
from shared.recording import recorded

Said = tuple[str, Model]


async def bootstrap(database: Database, clock: Clock, text: str, *, amend: bool = False) -> int:
    """Write what a TOML text says and the directory does not; returns how many facts. Raises BadDirectory."""
    log = EventLog("gateway", log_tables(MetaData()), route)
    said = said_in(text)
    async with database.transaction(log) as tx:
        await tx.driver.execute(views.DIRECTORY_ALONE)
        standing = await directory(tx.connection)
        new = list(_new(standing, said) if not amend else _differing(standing, said))
        _refuse_taken(standing, new)
        for partnership, data in new:
            await _write(tx, log, clock, partnership, data)
    return len(new)


def _new(standing: Directory, said: list[Said]) -> Iterator[Said]:
    return ((partnership, data) for partnership, data in said if partnership not in standing.partnerships)


def _differing(standing: Directory, said: list[Said]) -> Iterator[Said]:
    for partnership, data in said:
        place = (getattr(data, "agency", ""), partnership)
        match data:
            case PartnershipEstablished(name=name, areas=areas):
                known = standing.partnerships.get(partnership)
                if known is None or (known.name, known.areas) != (name, frozenset(areas)):
                    yield partnership, data
            case AgencyListed():
                listing = standing.listings.get(place)
                if listing is None or listing.entry != data:
                    yield partnership, data
            case AgreementProposed():
                now = standing.agreements.get(place)
                if now is not None and now.hash == data.terms.fingerprint(partnership, now.version):
                    continue
                number = standing.versions.get(place, 0) + 1
                hash_ = data.terms.fingerprint(partnership, number)
                yield partnership, AgreementProposed(**dict(data.terms), version=number, hash=hash_)
                yield partnership, _approved(data.terms, number, hash_)


def _approved(terms: Terms, number: int, hash_: str) -> AgreementApproved:
    return AgreementApproved(agency=terms.agency, version=number, hash=hash_, agreement=terms)


def _refuse_taken(standing: Directory, new: list[Said]) -> None:
    """One authority an area: with two, nobody could say who holds the duty."""
    holders: Mapping[str, str] = {area: agency.id for area, agency in standing.authorities.items()}
    for _, data in new:
        if isinstance(data, AgencyListed) and data.type == "local_authority":
            taken = [area for area in data.areas if holders.get(area, data.agency) != data.agency]
            if taken:
                raise BadDirectory(f"{data.agency} names {taken}, whose authority is another")
            holders = {**holders, **dict.fromkeys(data.areas, data.agency)}


async def _write(tx: Transaction, log: EventLog, clock: Clock, partnership: str, data: Model) -> None:
    stream, now = stream_of(partnership), clock.now()
    after = await log.version(tx, stream)
    facts = recorded(
        _cause(clock, partnership, data), [Outcome(data)], service="gateway", stream=stream, after=after, now=now
    )
    await log.append(tx, stream, after, facts)
    await views.apply(tx, facts)


def _cause(clock: Clock, partnership: str, data: Model) -> AnyEvent:
    """What an operator said, as the facts name it: no person of an agency did it."""
    name = "partnership.established"
    _, _, envelope = version(f"{name}.v1")
    return envelope.model_construct(
        id=uuid4().hex,
        source="/services/gateway",
        type=f"{name}.v1",
        subject=stream_of(partnership),
        time=clock.now(),
        dataschema=schema_urn(name, 1, 0),
        partnership=partnership,
        classification=Classification.OFFICIAL,
        actor=BOOTSTRAP,
        actorrole=Role.OPERATOR.value,
        data=data,
    )


def main() -> int:
    """Do it with the database of `SX_DATABASE_URL`, the runtime role's, and the clock of `SX_CLOCK_FILE`."""
    asked = argparse.ArgumentParser(prog="python -m services.gateway.bootstrap", description=__doc__)
    asked.add_argument("file", type=Path, help="partnerships, agencies and agreements, in TOML")
    asked.add_argument("--amend", action="store_true", help="also where a partnership is there: say what differs")
    told = asked.parse_args()
    url = os.environ.get("SX_DATABASE_URL")
    if not url:
        sys.exit("set SX_DATABASE_URL: the gateway's own way into its database")
    movable = os.environ.get("SX_CLOCK_FILE")
    clock = clock_from(Path(movable) if movable else None)
    try:
        text = told.file.read_text(encoding="utf-8")
    except OSError as unreadable:
        sys.exit(f"{told.file.name}: {unreadable.strerror}")
    try:
        written = asyncio.run(_run(url, clock, text, amend=told.amend))
    except BadDirectory as wrong:
        sys.exit(f"{told.file.name}: {wrong}")
    stands = "nothing to write: it stands as the file says, or its people changed it since"
    print(f"{written} facts written" if written else stands)  # noqa: T201
    return 0


async def _run(url: str, clock: Clock, text: str, *, amend: bool) -> int:
    database = Database(url, pool_size=1)
    try:
        return await bootstrap(database, clock, text, amend=amend)
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
