"""Who is calling: access tokens checked against the issuer's keys, and this service's own token for calls it makes."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import httpx
import orjson
from fastapi import Request
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from shared.credentials import CredentialsRefused, IssuerUnavailable, ServiceCredentials
from shared.problems import Problem

__all__ = [
    "Caller",
    "CredentialsRefused",
    "InvalidToken",
    "IssuerUnavailable",
    "ServiceCredentials",
    "Verifier",
    "audience_of",
    "caller",
    "keys_of",
    "on_behalf_of",
]

ALGORITHMS = ("ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519")
"""Public-key signatures only: neither `none` nor a shared secret can pass for one."""

ON_BEHALF_OF = "on-behalf-of"

Kind = Literal["agency", "person", "service"]


def audience_of(service: str) -> str:
    """The audience that a token for a service carries."""
    return f"urn:safeguarding-exchange:service:{service}"


@dataclass(frozen=True)
class Caller:
    """Somebody whose token held. An agency's `agency` is itself; a service has none."""

    kind: Kind
    id: str
    agency: str | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    partnerships: frozenset[str] = field(default_factory=frozenset)
    token_id: str = ""

    def to_header(self) -> str:
        """The caller as a service passes it on in `on-behalf-of`."""
        return orjson.dumps(
            {
                "kind": self.kind,
                "id": self.id,
                "agency": self.agency,
                "roles": sorted(self.roles),
                "partnerships": sorted(self.partnerships),
                "tokenId": self.token_id,
            }
        ).decode()


class InvalidToken(Exception):
    """A token that does not hold, and in which respect; the caller can mend it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


KeySource = Callable[[], Awaitable[Mapping[str, Any]]]


def keys_of(issuer: str, http: httpx.AsyncClient) -> KeySource:
    """Fetches the issuer's key set from where its discovery document says it is."""

    async def fetch() -> Mapping[str, Any]:
        discovery = await _get(http, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if discovery.get("issuer") != issuer:
            raise IssuerUnavailable("the discovery document names another issuer")
        return await _get(http, str(discovery["jwks_uri"]))

    return fetch


async def _get(http: httpx.AsyncClient, url: str) -> Mapping[str, Any]:
    try:
        answer = await http.get(url, headers={"accept": "application/json"})
        answer.raise_for_status()
        return cast(Mapping[str, Any], answer.json())
    except (httpx.HTTPError, ValueError) as failure:
        raise IssuerUnavailable(f"the issuer did not answer ({type(failure).__name__})") from None


class Verifier:
    """Checks access tokens (RFC 9068) and remembers those that held until they end, since each is sent many times."""

    def __init__(
        self,
        issuer: str,
        audience: str,
        fetch_jwks: KeySource,
        *,
        keys_live: float = 600.0,
        refetch_after: float = 10.0,
        remembered: int = 10_000,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`keys_live`: seconds until the key set is asked for again, so that a withdrawn key stops counting.
        `refetch_after`: the fewest seconds between two askings, whatever key ids callers make up."""
        self._issuer = issuer
        self._audience = audience
        self._fetch = fetch_jwks
        self._keys_live = keys_live
        self._refetch_after = refetch_after
        self._remembered = remembered
        self._now = now
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()
        self._renewing: asyncio.Task[None] | None = None
        self._held: OrderedDict[bytes, tuple[Caller, float, str]] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller a token stands for. InvalidToken if it does not hold; IssuerUnavailable without any keys."""
        self._renew_old_keys()
        digest = hashlib.sha256(token.encode()).digest()
        remembered = self._held.get(digest)
        if remembered is not None:
            if remembered[1] > self._now():
                return remembered[0]
            del self._held[digest]
        key_id = _key_id(token)
        if not self._knows(key_id):
            await self._refresh()
        if not self._knows(key_id):
            raise InvalidToken("it is signed with a key that the issuer does not have")
        claims = self._claims(token)
        caller = _caller(claims)
        self._held[digest] = (caller, float(claims["exp"]), key_id)
        if len(self._held) > self._remembered:
            self._held.popitem(last=False)
        return caller

    def _claims(self, token: str) -> dict[str, Any]:
        registry = jwt.JWTClaimsRegistry(
            now=int(self._now()),
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            exp={"essential": True},
            jti={"essential": True},
        )
        assert self._keys is not None
        try:
            decoded = jwt.decode(token, self._keys, algorithms=ALGORITHMS)
            registry.validate(decoded.claims)
        except JoseError as error:
            raise InvalidToken(f"{error.error} {getattr(error, 'claim', '')}".strip().replace("_", " ")) from None
        except (ValueError, TypeError):
            raise InvalidToken("it is malformed") from None
        if str(decoded.header.get("typ", "")).removeprefix("application/").lower() != "at+jwt":
            raise InvalidToken("it is not an access token")
        return decoded.claims

    def _knows(self, key_id: str) -> bool:
        return self._keys is not None and any(key.kid == key_id for key in self._keys)

    def _renew_old_keys(self) -> None:
        """Beside the requests, not before them: an issuer that is slow to answer must not slow every caller."""
        old = self._keys is not None and self._now() - self._fetched_at > self._keys_live
        if old and (self._renewing is None or self._renewing.done()):
            self._renewing = asyncio.get_running_loop().create_task(self._refresh())

    async def _refresh(self) -> None:
        """Asks for the key set again, at most every `refetch_after` seconds; an issuer that is away changes nothing."""
        async with self._asking:
            if self._now() - self._asked_at < self._refetch_after:
                if self._keys is None:
                    raise IssuerUnavailable("the issuer's keys could not be had yet")
                return
            self._asked_at = self._now()
            try:
                self._keys = KeySet.import_key_set(cast(KeySetSerialization, await self._fetch()))
            except (IssuerUnavailable, JoseError, KeyError, ValueError, TypeError):
                if self._keys is None:
                    raise IssuerUnavailable("the issuer's keys could not be had yet") from None
                return
            self._fetched_at = self._now()
            known = {key.kid for key in self._keys}
            self._held = OrderedDict((d, held) for d, held in self._held.items() if held[2] in known)


def _key_id(token: str) -> str:
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError):
        raise InvalidToken("it is malformed") from None
    if header.get("alg") not in ALGORITHMS:
        raise InvalidToken("its signature algorithm is not accepted")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise InvalidToken("it names no key")
    return key_id


def _caller(claims: Mapping[str, Any]) -> Caller:
    return _caller_from({**claims, "id": claims["sub"], "tokenId": claims["jti"]})


def _caller_from(told: Mapping[str, Any]) -> Caller:
    kind, agency = told.get("kind"), told.get("agency")
    roles, partnerships = told.get("roles", []), told.get("partnerships", [])
    well_formed = (
        isinstance(told.get("id"), str)
        and (agency is None if kind == "service" else isinstance(agency, str) and agency)
        and (kind != "agency" or agency == told["id"])
        and all(isinstance(names, list) and all(isinstance(n, str) for n in names) for names in (roles, partnerships))
    )
    if kind not in ("agency", "person", "service") or not well_formed:
        raise InvalidToken("it does not say who is calling")
    return Caller(
        cast(Kind, kind), told["id"], agency, frozenset(roles), frozenset(partnerships), str(told.get("tokenId", ""))
    )


async def caller(request: Request) -> Caller:
    """Who is calling (a FastAPI dependency). Problem 401 without a token that holds."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorised('Bearer realm="safeguarding-exchange"', "Send an access token: Authorization: Bearer …")
    try:
        verifier: Verifier = request.app.state.verifier
        who = await verifier.verify(token.strip())
    except InvalidToken as invalid:
        request.scope["refused"] = f"not-signed-in ({invalid.why})"
        challenge = f'Bearer realm="safeguarding-exchange", error="invalid_token", error_description="{invalid.why}"'
        raise _unauthorised(challenge, f"The access token does not hold: {invalid.why}. Ask for a new one.") from None
    except IssuerUnavailable:
        raise Problem(
            503,
            "issuer-unavailable",
            "The sign-in provider is not answering",
            "Tokens cannot be checked just now; send the same request again shortly.",
            headers={"Retry-After": "5"},
        ) from None
    request.scope["caller"] = who.id
    return who


def _unauthorised(challenge: str, remedy: str) -> Problem:
    return Problem(401, "not-signed-in", "Not signed in", remedy, headers={"WWW-Authenticate": challenge})


def on_behalf_of(who: Caller, request: Request, *, door: str = "gateway") -> Caller:
    """The one for whom a service asks, as its header says, believed only from a service with the role `door`.

    Without the header it is the caller itself. Problem 403 for anyone else who sends it.
    """
    told = request.headers.get(ON_BEHALF_OF)
    if told is None:
        return who
    if who.kind != "service" or door not in who.roles:
        raise Problem(403, "not-permitted", "Not permitted", "Only the gateway may ask on another's behalf.")
    try:
        return _caller_from(orjson.loads(told))
    except (InvalidToken, ValueError, TypeError, AttributeError):
        raise Problem(400, "bad-on-behalf-of", "Not a caller", f"The header {ON_BEHALF_OF} is malformed.") from None
