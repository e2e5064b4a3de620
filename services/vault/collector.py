"""Fetches sealed parcels from the services that keep them, has them filed, and only then lets them be dropped."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from sqlalchemy import func, select, update

from services.vault import tables
from services.vault.filing import Filing
from services.vault.key_store import KeyStore
from shared.credentials import CredentialsRefused
from shared.database import Database
from shared.identity import IssuerUnavailable, audience_of
from shared.logs import told
from shared.vault_client import REFRESH_SECONDS
from shared.vault_client.parcels import WaitingParcels

log = logging.getLogger(__name__)

PAGE = 200
POLL_SECONDS = 2.0
SOON_SECONDS = 0.2
"""After something was found: more is likely on its way. What is asked for is collected at once in any case."""

RETIRE_AFTER = timedelta(seconds=3 * REFRESH_SECONDS)
"""How long services are given to turn to a new sealing key before they are asked to let the old one go."""

TokenFor = Callable[[str], Awaitable[str]]
"""Gives the vault's own access token for an audience."""

_AWAY = (httpx.HTTPError, IssuerUnavailable, CredentialsRefused, ValueError, KeyError, OSError)


class SourceAway(Exception):
    """A service that keeps parcels could not be asked; time mends it."""


@dataclass
class Source:
    """A service that keeps parcels, as it stood when it last answered."""

    url: str
    name: str = ""
    answered_at: datetime | None = None
    sealing_keys: Mapping[str, bool] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Collector:
    """One process's rounds over all sources. `held_for_backup`: what is filed is kept at its source until a recorded
    backup of the vault covers it; otherwise the source drops it as soon as it is filed."""

    def __init__(
        self,
        sources: Sequence[str],
        http: httpx.AsyncClient,
        token_for: TokenFor,
        filing: Filing,
        database: Database,
        keys: KeyStore,
        *,
        held_for_backup: bool = False,
        retire_after: timedelta = RETIRE_AFTER,
    ) -> None:
        self.sources = [Source(url.rstrip("/")) for url in sources]
        self._http = http
        self._token_for = token_for
        self._filing = filing
        self._database = database
        self._keys = keys
        self._held = held_for_backup
        self._retire_after = retire_after

    async def run(self) -> None:
        """Collects until cancelled; a source that is away is asked again, ever more slowly, up to every 5 s."""
        await asyncio.gather(self._tidy(), *(self._keep_collecting(source) for source in self.sources))

    async def _keep_collecting(self, source: Source) -> None:
        pause = POLL_SECONDS
        while True:
            try:
                pause = SOON_SECONDS if await self.collect(source) else POLL_SECONDS
            except SourceAway as away:
                pause = min(pause * 2, 5.0)
                log.warning("parcels could not be collected", extra={"source": source.url, "error": str(away)})
            except Exception as failure:
                pause = min(pause * 2, 5.0)
                log.exception("collecting failed", extra={"source": source.url, "error": told(failure)})
            await asyncio.sleep(pause)

    async def _tidy(self) -> None:
        while True:
            try:
                await self.release_covered()
                await self.retire_keys()
            except Exception as failure:
                log.warning("parcels and keys could not be tidied", extra={"error": told(failure)})
            await asyncio.sleep(REFRESH_SECONDS)

    async def collect_all(self, *, within: float = 3.0) -> bool:
        """One round over every source now; whether all of them were emptied in time (seconds)."""

        async def one_round(source: Source) -> int:
            async with asyncio.timeout(within):
                return await self.collect(source)

        ended = await asyncio.gather(*map(one_round, self.sources), return_exceptions=True)
        for failure in ended:
            if isinstance(failure, BaseException) and not isinstance(failure, SourceAway | TimeoutError):
                raise failure
        return not any(isinstance(one, BaseException) for one in ended)

    async def collect(self, source: Source) -> int:
        """Files everything that waits at a source, page by page; how many parcels. Raises SourceAway."""
        async with source.turn:
            after = filed = 0
            while True:
                page = await self._page(source, after)
                if page.parcels:
                    done = await self._filing.file(source.name, page.parcels)
                    await self._confirm(source, done)
                    filed += len(done)
                    after = page.parcels[-1].seq
                if len(page.parcels) < PAGE:
                    return filed

    async def _page(self, source: Source, after: int) -> WaitingParcels:
        answer = await self._ask(source, "GET", f"?after={after}&limit={PAGE}")
        page = WaitingParcels.model_validate_json(answer.content)
        source.sealing_keys = page.keys
        source.answered_at = datetime.now(UTC)
        return page

    async def _confirm(self, source: Source, parcels: Sequence[str]) -> None:
        if not parcels:
            return
        await self._ask(source, "POST", "/collected", {"parcels": list(parcels), "covered": not self._held})
        moment = func.clock_timestamp()
        values = {"confirmed_at": moment} if self._held else {"confirmed_at": moment, "covered_at": moment}
        await self._mark(parcels, values)

    async def _mark(self, parcels: Sequence[str], values: Mapping[str, object]) -> None:
        filed = tables.filed_parcel
        async with self._database.transaction() as tx:
            await tx.connection.execute(update(filed).where(filed.c.parcel.in_(parcels)).values(**values))

    async def release_covered(self) -> None:
        """Lets sources drop what a recorded backup of the vault holds."""
        filed, backup = tables.filed_parcel, tables.backup
        until = select(func.max(backup.c.until)).scalar_subquery()
        ready = select(filed.c.parcel).where(filed.c.covered_at.is_(None), filed.c.filed_at <= until)
        for source in self.sources:
            while True:
                page = ready.where(filed.c.source == source.name).order_by(filed.c.filed_at).limit(1000)
                async with self._database.reading() as connection:
                    parcels = list((await connection.execute(page)).scalars())
                if not parcels:
                    break
                await self._ask(source, "POST", "/covered", {"parcels": parcels})
                await self._mark(parcels, {"covered_at": func.clock_timestamp()})

    async def collect_again(self) -> int:
        """After the vault was restored from a backup: what its sources had set aside waits again; how many parcels.

        Raises SourceAway. What is filed all the same is confirmed a second time and changes nothing.
        """
        answers = [await self._ask(source, "POST", "/again") for source in self.sources]
        return sum(int(answer.json()["parcels"]) for answer in answers)

    async def retire_keys(self) -> list[str]:
        """Destroys the private half of each retired key that no source can still need; which ones.

        A source lets a key go only when nothing in its database is sealed to it, and seals nothing to it afterwards.
        What was sealed to it must be filed and covered by a recorded backup.
        """
        destroyed = []
        for key in await self._keys.retired_sealing_keys():
            old_enough = datetime.now(UTC) - key.retired_at >= self._retire_after
            if not old_enough or not await self._is_covered(key.id):
                continue
            let_go = [await self._let_go(source, key.id) for source in self.sources]
            # once more, since what was on its way when it was covered has been filed since
            if all(let_go) and await self._is_covered(key.id):
                await self._keys.destroy_sealing_key(key.id)
                destroyed.append(key.id)
                log.info("the private half of a sealing key was destroyed", extra={"key": key.id})
        return destroyed

    async def _is_covered(self, key_id: str) -> bool:
        filed, backup, unopened = tables.filed_parcel, tables.backup, tables.unopened_parcel
        async with self._database.reading() as connection:
            last = await connection.scalar(select(func.max(filed.c.filed_at)).where(filed.c.key_id == key_id))
            until = await connection.scalar(select(func.max(backup.c.until)))
            stuck = await connection.scalar(select(unopened.c.parcel).where(unopened.c.key_id == key_id).limit(1))
        return stuck is None and (last is None or (until is not None and until >= last))

    async def _let_go(self, source: Source, key_id: str) -> bool:
        try:
            await self.collect(source)
            answer = await self._ask(source, "POST", "/retire-key", {"key_id": key_id})
            return bool(answer.json()["retired"])
        except SourceAway:
            return False

    async def _name_of(self, source: Source) -> str:
        """The service behind an address, as it says itself: its own token would be good for nothing elsewhere."""
        if not source.name:
            answer = await self._http.get(f"{source.url}/health/live", timeout=5)
            answer.raise_for_status()
            source.name = str(answer.json()["service"])
        return source.name

    async def _ask(self, source: Source, method: str, path: str, body: object = None) -> httpx.Response:
        try:
            token = await self._token_for(audience_of(await self._name_of(source)))
            url = f"{source.url}/internal/parcels{path}"
            headers = {"authorization": f"Bearer {token}"}
            answer = await self._http.request(method, url, json=body, headers=headers, timeout=10)
            answer.raise_for_status()
            return answer
        except _AWAY as away:
            raise SourceAway(told(away)) from None
