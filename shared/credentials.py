"""A client's own access tokens: client credentials with a signed assertion (RFC 7523), kept until they end."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIVES = 60
"""Seconds; the issuer takes five minutes at most, and one use only."""

RENEW_BEFORE = 60
"""Seconds before a token's end from which a new one is asked for."""


class IssuerUnavailable(Exception):
    """The issuer did not answer and nothing it said before can serve; time mends it."""


class CredentialsRefused(Exception):
    """The issuer knows this client, or its key, no longer; an operator mends it."""


def private_key(path: Path) -> Key:
    """The private key in a PEM file: elliptic curve, Ed25519 or RSA."""
    pem = path.read_bytes()
    for kind in (ECKey, OKPKey, RSAKey):
        try:
            return kind.import_key(pem)
        except (ValueError, TypeError):
            continue
    raise ValueError(f"{path.name} holds no private key that is understood: give a PEM file with an EC key")


def algorithm_of(key: Key) -> str:
    """The signature algorithm that goes with a key."""
    return {"EC": "ES256", "OKP": "EdDSA", "RSA": "RS256"}[key.key_type]


class ServiceCredentials:
    """Gives the token this process shows when it calls another service; one for each audience."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        key: Key,
        http: httpx.AsyncClient,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._key = key
        self._http = http
        self._now = now
        self._tokens: dict[str, tuple[str, float]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def token(self, audience: str) -> str:
        """An access token for `audience`. IssuerUnavailable may pass; CredentialsRefused does not by itself."""
        async with self._asking.setdefault(audience, asyncio.Lock()):
            token, until = self._tokens.get(audience, ("", 0.0))
            if self._now() < until - RENEW_BEFORE:
                return token
            try:
                token, until = await self._ask(audience)
            except IssuerUnavailable:
                if self._now() < until:
                    return token
                raise
            self._tokens[audience] = (token, until)
            return token

    def forget(self, audience: str) -> None:
        """Drops the token for an audience that answered 401 to it, so that the next one is new."""
        self._tokens.pop(audience, None)

    async def _ask(self, audience: str) -> tuple[str, float]:
        endpoint = f"{self._issuer.rstrip('/')}/token"
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion(self._client_id, endpoint, self._key, now=self._now()),
            "resource": audience,
        }
        try:
            answer = await self._http.post(endpoint, data=form)
            if answer.status_code in (400, 401):
                raise CredentialsRefused(f"the issuer refused the client {self._client_id}: {_reason(answer)}")
            answer.raise_for_status()
            told = answer.json()
            return str(told["access_token"]), self._now() + float(told["expires_in"])
        except (httpx.HTTPError, ValueError, KeyError) as failure:
            raise IssuerUnavailable(f"the issuer gave no token ({type(failure).__name__})") from None


def assertion(client_id: str, audience: str, key: Key, *, now: float) -> str:
    """A signed statement, good once and for a minute, that its bearer is `client_id`."""
    issued = int(now)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": issued,
        "exp": issued + ASSERTION_LIVES,
        "jti": uuid4().hex,
    }
    algorithm = algorithm_of(key)
    return jwt.encode({"alg": algorithm}, claims, key, algorithms=[algorithm])


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("error", answer.status_code))
    except (ValueError, AttributeError):
        return str(answer.status_code)
