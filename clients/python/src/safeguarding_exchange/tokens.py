"""Access tokens of an agency's own system: client credentials with a signed statement (private_key_jwt, RFC 7523)."""

import time
from collections.abc import Callable
from threading import Lock
from uuid import uuid4

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from safeguarding_exchange.failures import BadConnection, CredentialsRefused, Unreachable

STATEMENT_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
STATEMENT_LIVES = 60
"""Seconds; the provider takes each statement once."""

RENEW_BEFORE = 60.0
"""Seconds before a token's end from which a new one is asked for."""

Key = ECKey | OKPKey | RSAKey
ALGORITHMS = {"EC": "ES256", "OKP": "EdDSA", "RSA": "RS256"}


def private_key(pem: str) -> Key:
    """The private key in a PEM text. Raises BadConnection."""
    for kind in (ECKey, OKPKey, RSAKey):
        try:
            key: Key = kind.import_key(pem)
        except (ValueError, TypeError):
            continue
        if key.is_private:
            return key
        raise BadConnection("keyFile holds a public key: name the file with the private half, which you keep")
    raise BadConnection("keyFile holds no private key that is understood: name a PEM file with an EC key (P-256)")


def statement(client: str, endpoint: str, key: Key, *, now: float) -> str:
    """Says, signed, for a minute and for one use, that its bearer is `client`."""
    issued = int(now)
    says = {"iss": client, "sub": client, "aud": endpoint, "iat": issued, "exp": issued + STATEMENT_LIVES}
    algorithm = ALGORITHMS[key.key_type]
    return jwt.encode({"alg": algorithm}, says | {"jti": uuid4().hex}, key, algorithms=[algorithm])


class Tokens:
    """The token to show at the gateway, kept until it ends."""

    def __init__(
        self, issuer: str, client: str, key: Key, http: httpx.Client, *, now: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._client = client
        self._key = key
        self._http = http
        self._now = now
        self._endpoint = ""
        self._token, self._until = "", 0.0
        self._one_at_a_time = Lock()

    def get(self) -> str:
        """A token that still lives for a while. Raises Unreachable (time mends it), CredentialsRefused."""
        with self._one_at_a_time:
            if self._now() > self._until - RENEW_BEFORE:
                self._token, lives = self._ask()
                self._until = self._now() + lives
            return self._token

    def forget(self) -> None:
        """Drop the token that was answered with 401, so that the next is new."""
        self._until = 0.0

    def _ask(self) -> tuple[str, float]:
        try:
            answer = self._http.post(self._where(), data=self._form())
            told = answer.json()
            if answer.status_code in (400, 401):
                raise CredentialsRefused(str(told.get("error", "")), str(told.get("error_description", "")))
            answer.raise_for_status()
            return str(told["access_token"]), float(told["expires_in"])
        except (httpx.HTTPError, ValueError, KeyError, AttributeError) as failure:
            raise Unreachable(f"The sign-in provider gave no token ({type(failure).__name__})") from failure

    def _form(self) -> dict[str, str]:
        signed = statement(self._client, self._endpoint, self._key, now=self._now())
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": STATEMENT_TYPE,
            "client_assertion": signed,
        }

    def _where(self) -> str:
        if not self._endpoint:
            offered = self._http.get(f"{self._issuer}/.well-known/openid-configuration").raise_for_status().json()
            self._endpoint = str(offered["token_endpoint"])
        return self._endpoint
