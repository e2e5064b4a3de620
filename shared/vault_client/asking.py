"""Asks the vault: each call in the service's own name, on behalf of whoever stands behind it, for a stated purpose."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx

from contracts.vault import Purpose
from shared.credentials import CredentialsRefused
from shared.identity import ON_BEHALF_OF, Caller, IssuerUnavailable, audience_of
from shared.telemetry import current_traceparent

TokenFor = Callable[[str], Awaitable[str]]
"""Gives this service's own access token for an audience (`ServiceCredentials.token`)."""

_AUDIENCE = audience_of("vault")
_AT_ONCE = 10_000
"""References in one look: a combined chronology is one."""

_MANY = 500
"""With more, the vault may take longer to open them than to answer usually."""
_MOST_OWNERS = 2000


class VaultAway(Exception):
    """The vault did not answer, or could not record the look. Nothing was shown; time mends it."""


class NotYetFiled(Exception):
    """The vault has not collected these references yet; time mends it."""

    def __init__(self, refs: tuple[str, ...]) -> None:
        super().__init__("not yet filed")
        self.refs = refs


class VaultRefused(Exception):
    """The vault will not do this: `status` and `problem` are its answer, which repeats nothing of what was sent."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('type', '')}")
        self.status = status
        self.problem = problem


@dataclass(frozen=True)
class Shown:
    """One thing as the vault shows it. `erased`: its key was destroyed. `damaged`: an operator must look."""

    status: Literal["present", "erased", "damaged"]
    kind: str
    value: Any = None


@dataclass(frozen=True)
class Filed:
    """A document that the vault keeps."""

    ref: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class OwnReach:
    """How far a person's own record goes: in `whole` incidents everything but what is `untold`, and who looked at any
    of it; in `partly` open ones what was `told`, and who looked at the caller's agency's own words."""

    whole: frozenset[str]
    partly: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    untold: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Document:
    """A document on its way: read `chunks` inside the block that opened it."""

    media_type: str
    size: int
    disposition: str
    chunks: AsyncIterator[bytes]


class VaultClient:
    """The vault as other services ask it. Without `caller` a service asks for itself, where the purpose allows it."""

    def __init__(self, http: httpx.AsyncClient, token_for: TokenFor) -> None:
        """`http` has the vault's base URL."""
        self._http = http
        self._token_for = token_for

    async def reveal(
        self,
        refs: Collection[str],
        *,
        purpose: Purpose,
        caller: Caller | None = None,
        incident: str | None = None,
        opened: Collection[str] = (),
    ) -> dict[str, Shown]:
        """What stands behind references, in one recorded look for each 5,000: of `incident` alone, where one is named.

        `opened` are incidents that were found open to the caller, of whichever partnership they are; so is `incident`.
        Raises VaultAway, NotYetFiled, VaultRefused.
        """
        wanted = sorted(set(refs))
        shown: dict[str, Shown] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            asked = {"refs": wanted[start : start + _AT_ONCE], "purpose": purpose, "incident": incident}
            asked |= {"opened": sorted(opened)} if opened else {}
            more: dict[str, Any] = {"timeout": 60.0} if len(wanted) > _MANY else {}
            answer = await self._ask("POST", "/v1/reveal", caller, json=asked, **more)
            shown |= {ref: Shown(**one) for ref, one in answer.json()["items"].items()}
        return shown

    async def file_document(
        self,
        content: AsyncIterator[bytes],
        *,
        incident: str,
        partnership: str,
        caller: Caller,
        name: str = "",
        declared: str = "application/octet-stream",
    ) -> Filed:
        """Files a document as it streams in. Raises VaultAway; VaultRefused with 413, 422 (why), 409 once erased."""
        answer = await self._ask(
            "POST",
            "/v1/documents",
            caller,
            params={"incident": incident, "partnership": partnership},
            content=content,
            headers={"content-type": declared, "document-name": quote(name)},
            timeout=60,
        )
        told = answer.json()
        return Filed(told["ref"], told["mediaType"], told["size"], told["sha256"])

    @asynccontextmanager
    async def document(
        self, ref: str, *, purpose: Purpose, caller: Caller, incident: str | None = None, own: bool = False
    ) -> AsyncIterator[Document]:
        """Opens a document, its look recorded first. Raises VaultAway, NotYetFiled, VaultRefused (410 once erased).

        With `own` only one that the caller's own agency filed; any other is 404, as one that is not there.
        """
        params = {"purpose": str(purpose)} | ({"incident": incident} if incident else {})
        params |= {"own": "true"} if own else {}
        request = self._http.build_request(
            "GET", f"/v1/documents/{ref}", params=params, headers=await self._headers(caller), timeout=60
        )
        try:
            answer = await self._http.send(request, stream=True)
        except httpx.HTTPError:
            raise VaultAway from None
        try:
            if answer.is_error:
                await answer.aread()
                _raise_for(answer)
            disposition = answer.headers.get("content-disposition", "attachment")
            size = int(answer.headers["content-length"])
            yield Document(answer.headers["content-type"], size, disposition, answer.aiter_bytes())
        finally:
            await answer.aclose()

    async def looks(
        self,
        *,
        caller: Caller,
        subject: str | None = None,
        incident: str | None = None,
        reference: str | None = None,
        owner: str | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """A page of who looked, newest first: `{items, next}`; at an `owner` agency's words alone, if one is named.

        Raises VaultAway, VaultRefused.
        """
        asked = {"subject": subject, "incident": incident, "reference": reference, "owner": owner, "cursor": cursor}
        params = {name: value for name, value in asked.items() if value is not None}
        told: dict[str, Any] = (await self._ask("GET", "/v1/looks", caller, params=params)).json()
        return told

    async def likenesses(self, *, caller: Caller, incident: str | None = None) -> list[dict[str, Any]]:
        """Subjects that may be one child. Raises VaultAway, VaultRefused."""
        params = {"incident": incident} if incident else {}
        found: list[dict[str, Any]] = (await self._ask("GET", "/v1/likenesses", caller, params=params)).json()["items"]
        return found

    async def quarantine(self, *, caller: Caller, cursor: str | None = None) -> dict[str, Any]:
        """A page of the messages that nobody could read: `{items, next}`, without what stood in them."""
        params = {"cursor": cursor} if cursor else {}
        told: dict[str, Any] = (await self._ask("GET", "/v1/quarantine", caller, params=params)).json()
        return told

    async def erase(self, owner: str, *, reason_ref: str, caller: Caller) -> dict[str, list[str]]:
        """Destroys a subject's or an incident's key, as another person proposed; what remains. Raises VaultRefused with
        409 under a legal hold, and where nobody else has proposed it."""
        asked = {"owner": owner, "reasonRef": reason_ref}
        remains: dict[str, list[str]] = (await self._ask("POST", "/v1/erasures", caller, json=asked)).json()["remains"]
        return remains

    async def propose_erasure(
        self, owner: str, act: Literal["proposed", "withdrawn"] = "proposed", *, reason_ref: str, caller: Caller
    ) -> None:
        """One person's half of an erasure, or its withdrawal. Raises VaultRefused with 409 under a legal hold."""
        await self._ask(
            "POST", "/v1/erasures/proposals", caller, json={"owner": owner, "act": act, "reasonRef": reason_ref}
        )

    async def proposed_erasures(self, *, caller: Caller) -> list[dict[str, Any]]:
        """What awaits a second person. Raises VaultAway, VaultRefused."""
        found: list[dict[str, Any]] = (await self._ask("GET", "/v1/erasures/proposals", caller)).json()["items"]
        return found

    async def retention_owners(self, *, caller: Caller, until: str | None = None) -> list[str]:
        """Of which records something is due by a day (today), or cannot be reckoned. Raises VaultAway, VaultRefused."""
        params = {"until": until} if until else {}
        found: list[str] = (await self._ask("GET", "/v1/retention/owners", caller, params=params)).json()["items"]
        return found

    async def retention_due(self, owners: Sequence[str], *, caller: Caller, until: str | None = None) -> dict[str, Any]:
        """What is due by a day (today) of these records, in their order: `{schedule, due, cannotBeReckoned}`; a look at
        each that is reckoned from a birth. Raises VaultAway, VaultRefused."""
        told: dict[str, Any] = {"due": [], "cannotBeReckoned": []}
        for start in range(0, max(len(owners), 1), _MOST_OWNERS):
            asked = {"owners": list(owners[start : start + _MOST_OWNERS])} | ({"until": until} if until else {})
            answer = (await self._ask("POST", "/v1/retention/due", caller, json=asked)).json()
            told = answer | {name: told[name] + answer[name] for name in ("due", "cannotBeReckoned")}
        return told

    async def classify(self, owner: str, record_class: str, *, reason_ref: str, caller: Caller) -> None:
        """Gives a record another class of the schedule. Raises VaultAway, VaultRefused."""
        asked = {"owner": owner, "recordClass": record_class, "reasonRef": reason_ref}
        await self._ask("POST", "/v1/retention/classes", caller, json=asked)

    async def incidents_about(self, subjects: Collection[str], *, caller: Caller) -> list[str]:
        """The incidents in which something is filed about these subjects. Raises VaultAway, VaultRefused."""
        asked = {"subjects": sorted(set(subjects))}
        found: list[str] = (await self._ask("POST", "/v1/subject-access/incidents", caller, json=asked)).json()["items"]
        return found

    async def access_record(
        self, subjects: Collection[str], reach: OwnReach, *, caller: Caller, released: Collection[str] = ()
    ) -> dict[str, Any]:
        """A person's own record as far as was found open to the caller: third parties held back, and who looked. Raises
        VaultAway, VaultRefused."""
        asked = {"subjects": sorted(set(subjects)), "released": sorted(set(released))}
        asked |= {"incidents": sorted(reach.whole), "partly": sorted(reach.partly)}
        asked |= {"told": sorted(reach.told), "untold": sorted(reach.untold)}
        told: dict[str, Any] = (await self._ask("POST", "/v1/subject-access", caller, json=asked)).json()
        return told

    async def hold(self, owner: str, act: Literal["placed", "lifted"], *, reason_ref: str, caller: Caller) -> None:
        """Places or lifts a legal hold. Raises VaultAway, VaultRefused."""
        await self._ask("POST", "/v1/holds", caller, json={"owner": owner, "act": act, "reasonRef": reason_ref})

    async def _ask(
        self, method: str, path: str, caller: Caller | None, *, headers: dict[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        sent = await self._headers(caller) | (headers or {})
        try:
            answer = await self._http.request(method, path, headers=sent, **more)
        except httpx.HTTPError:
            raise VaultAway from None
        if answer.is_error:
            _raise_for(answer)
        return answer

    async def _headers(self, caller: Caller | None) -> dict[str, str]:
        try:
            headers = {"authorization": f"Bearer {await self._token_for(_AUDIENCE)}"}
        except (IssuerUnavailable, CredentialsRefused):
            raise VaultAway from None
        if caller is not None:
            headers[ON_BEHALF_OF] = caller.to_header()
        if traceparent := current_traceparent():
            headers["traceparent"] = traceparent
        return headers


def _raise_for(answer: httpx.Response) -> None:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if str(problem.get("type", "")).endswith(":not-yet-filed"):
        raise NotYetFiled(tuple(problem.get("references", ())))
    if answer.status_code >= 500 or answer.status_code == 429:
        raise VaultAway
    raise VaultRefused(answer.status_code, problem)
