"""Sealed parcels in a service's own database, until the vault has collected them."""

import base64
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

import asyncpg
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.database import Database, Transaction
from shared.identity import Caller, caller
from shared.problems import not_found
from shared.vault_client.sealing import Parcel, SealingKeyRetired

_tables = MetaData()


def parcel_table(metadata: MetaData) -> Table:
    """The parcels that wait for the vault, and beside them the sealing keys they may be sealed to.

    The foreign key is a fence: a key's row can only go once no parcel needs it, and waits for transactions that are
    keeping one, so the vault never destroys a private key that something is still sealed to.
    """
    key = Table(
        "sealing_key",
        metadata,
        Column("id", Text, primary_key=True),
        Column("public", LargeBinary, nullable=False),
        Column("current", Boolean, nullable=False),
        Column("fetched_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    )
    parcel = Table(
        "parcel",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("id", Text, nullable=False, unique=True),
        Column("key_id", Text, ForeignKey(key.c.id), nullable=False),
        Column("refs", ARRAY(Text), nullable=False),
        Column("ciphertext", LargeBinary, nullable=False),
        Column("kept_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
        Column("collected_at", DateTime(timezone=True)),
    )
    Index("parcel_waiting", parcel.c.seq, postgresql_where=parcel.c.collected_at.is_(None))
    return parcel


_parcel = parcel_table(_tables)
sealing_keys = _key = _tables.tables["sealing_key"]


class MigrationSteps(Protocol):
    """Alembic's `op`, as far as it is needed here."""

    def get_bind(self) -> Any: ...


def create_parcels(op: MigrationSteps, runtime_role: str) -> None:
    """A migration step: both tables, and what the runtime role may do with them."""
    bind = op.get_bind()
    _tables.create_all(bind)
    role = bind.dialect.identifier_preparer.quote(runtime_role)
    bind.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON parcel, sealing_key TO {role}"))


# On the hot path of intake, so the driver is asked directly. References hold no comma.
_KEEP = """
    insert into parcel (id, key_id, refs, ciphertext)
    select id, key_id, string_to_array(refs, ','), ciphertext
    from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as kept (id, key_id, refs, ciphertext)
"""


async def keep(tx: Transaction, parcels: Sequence[Parcel]) -> None:
    """Keeps sealed parcels for the vault, in the caller's transaction. Raises SealingKeyRetired."""
    if not parcels:
        return
    columns = zip(*((p.id, p.key_id, ",".join(p.refs), p.ciphertext) for p in parcels), strict=True)
    try:
        await tx.driver.execute(_KEEP, *(list(column) for column in columns))
    except asyncpg.ForeignKeyViolationError:
        raise SealingKeyRetired from None


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", ""))


class WaitingParcel(BaseModel):
    """A parcel as the vault fetches it; `ciphertext` in base64."""

    model_config = ConfigDict(hide_input_in_errors=True)

    seq: int
    id: str
    key_id: str
    refs: list[str]
    ciphertext: str


class WaitingParcels(BaseModel):
    """One page, oldest first; `keys` are the sealing keys this service still holds a row of, the current one marked."""

    model_config = ConfigDict(hide_input_in_errors=True)

    parcels: list[WaitingParcel]
    keys: dict[str, bool]


class Collected(BaseModel):
    """What the vault has filed. `covered`: its backup holds them already, so they may go; else they are kept aside."""

    model_config = ConfigDict(hide_input_in_errors=True)

    parcels: Annotated[list[str], Field(max_length=1000)]
    covered: bool = True


class Covered(BaseModel):
    """The vault's backup holds every parcel of these that was filed."""

    model_config = ConfigDict(hide_input_in_errors=True)

    parcels: Annotated[list[str], Field(max_length=10_000)]


class Retirement(BaseModel):
    """A sealing key that shall be used no more."""

    model_config = ConfigDict(hide_input_in_errors=True)

    key_id: str


def vault_only(who: Annotated[Caller, Depends(caller)]) -> None:
    """Lets the vault in and nobody else. Problem 404, since for others there is nothing here."""
    if who.kind != "service" or who.id != "vault":
        raise not_found()


def parcel_router(database: Database, vault_only: Callable[..., Any] = vault_only) -> APIRouter:
    """The vault's side door into a service; `vault_only` is the dependency that guards it."""
    router = APIRouter(prefix="/internal/parcels", dependencies=[Depends(vault_only)], include_in_schema=False)

    @router.get("")
    async def waiting(
        after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 200
    ) -> WaitingParcels:
        page = select(_parcel).where(_parcel.c.collected_at.is_(None), _parcel.c.seq > after)
        async with database.reading() as connection:
            keys = {row.id: row.current for row in await connection.execute(select(_key.c.id, _key.c.current))}
            rows = (await connection.execute(page.order_by(_parcel.c.seq).limit(limit))).all()
        return WaitingParcels(
            keys=keys,
            parcels=[
                WaitingParcel(
                    seq=row.seq,
                    id=row.id,
                    key_id=row.key_id,
                    refs=row.refs,
                    ciphertext=base64.b64encode(row.ciphertext).decode(),
                )
                for row in rows
            ],
        )

    @router.post("/collected")
    async def collected(said: Collected) -> dict[str, int]:
        those = _parcel.c.id.in_(said.parcels)
        step = delete(_parcel).where(those) if said.covered else _set_aside().where(those)
        async with database.transaction() as tx:
            return {"parcels": (await tx.connection.execute(step)).rowcount}

    @router.post("/covered")
    async def covered(said: Covered) -> dict[str, int]:
        gone = delete(_parcel).where(_parcel.c.id.in_(said.parcels), _parcel.c.collected_at.is_not(None))
        async with database.transaction() as tx:
            return {"parcels": (await tx.connection.execute(gone)).rowcount}

    @router.post("/again")
    async def again() -> dict[str, int]:
        """After the vault was restored from a backup: what was set aside waits again."""
        waits = update(_parcel).where(_parcel.c.collected_at.is_not(None)).values(collected_at=None)
        async with database.transaction() as tx:
            return {"parcels": (await tx.connection.execute(waits)).rowcount}

    @router.post("/retire-key")
    async def retire_key(said: Retirement) -> dict[str, bool]:
        """Lets a key go: false while it is current here or any parcel is sealed to it."""
        try:
            async with database.transaction() as tx:
                await tx.connection.execute(delete(_key).where(_key.c.id == said.key_id, ~_key.c.current))
        except IntegrityError as needed:
            if _sqlstate(needed) != "23503":
                raise
            return {"retired": False}
        async with database.reading() as connection:
            stays = (await connection.execute(select(_key.c.id).where(_key.c.id == said.key_id))).scalar()
        return {"retired": stays is None}

    return router


def _set_aside() -> Any:
    return update(_parcel).where(_parcel.c.collected_at.is_(None)).values(collected_at=func.clock_timestamp())
