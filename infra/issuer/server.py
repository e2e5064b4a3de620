"""The authorization server: Authlib's, with our clients, our people and our keys."""

import time
from collections.abc import Callable
from typing import Any

from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oauth2.rfc9207 import IssuerParameter
from fastapi import Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from infra.issuer.clients import KeyClient, Person, PublicClient
from infra.issuer.identities import AgencyIdentity, Identities, Installed, password_holds
from infra.issuer.once import Code, Once, Renewal
from infra.issuer.requests import Asked, Request, answer
from infra.issuer.signing import ALGORITHM, TOKEN_LIVES, SigningKeys

LONGEST_ASSERTION = 300
"""Seconds from now to an assertion's end; RFC 7523 leaves the limit to the server."""

CODE_LIVES = 60
REFRESH_LIVES = 12 * 3600
"""Seconds: a working day, after which a person signs in again."""

CLOCKS_DIFFER = 5
"""Seconds that a client's clock may be off."""


class Issuer(AuthorizationServer):  # type: ignore[misc]
    """Knows its clients and people; its grants are in `grants`."""

    def __init__(
        self,
        issuer: str,
        identities: Identities,
        installed: Installed,
        keys: SigningKeys,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(scopes_supported=["openid"])
        self.issuer = issuer.rstrip("/")
        self.keys = keys
        self.now = now
        self.audiences = {service.id for service in identities.service}
        self.codes: Once[Code] = Once(CODE_LIVES, now)
        self.renewals: Once[Renewal] = Once(REFRESH_LIVES, now)
        self._installed = installed
        self._people = {each.id: Person(each) for each in identities.person}
        self._programs = {each.id: PublicClient(each) for each in identities.application}
        self._systems = {each.id: each for each in identities.clients}
        self.register_client_auth_method("private_key_jwt", Assertion(self))
        self.register_extension(NamesItself)

    def person(self, person: str) -> Person | None:
        """Somebody in the identities file."""
        return self._people.get(person)

    def signed_in(self, account: str, password: str) -> Person | None:
        """The person whose account and password these are; None, after the same time, if there is none."""
        known = self._people.get(account)
        return known if password_holds(self._installed, account if known else None, password) else None

    def query_client(self, client_id: str) -> KeyClient | PublicClient | None:
        """A client in the identities file, or an agency registered since (Authlib asks)."""
        if client_id in self._programs:
            return self._programs[client_id]
        registered = self._installed.register.read(client_id)
        known = self._systems.get(client_id)
        if known is not None:
            return KeyClient(known, registered.keys)
        if registered.partnerships and self.person(client_id) is None:
            return KeyClient(AgencyIdentity(id=client_id, partnerships=registered.partnerships), registered.keys)
        return None

    def save_token(self, token: dict[str, Any], request: Request) -> None:
        """Nothing: access tokens say all themselves (Authlib asks)."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nothing listens (Authlib asks)."""

    def create_oauth2_request(self, request: Asked | Request) -> Request:
        """What came over HTTP, as Authlib reads it."""
        return request if isinstance(request, Request) else Request(request)

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        """What Authlib wants sent, as an HTTP answer."""
        return answer(status, body, headers)


class NamesItself(IssuerParameter):  # type: ignore[misc]
    """Puts `iss` into authorization answers (RFC 9207), so that a program that uses two issuers cannot mix them up."""

    def __init__(self, server: Issuer) -> None:
        self._issuer = server.issuer
        self(server)

    def get_issuer(self) -> str:
        """The issuer's own address."""
        return self._issuer


class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """A client shows who it is by an assertion it signed (`private_key_jwt`): short, and good once."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, server: Issuer) -> None:
        super().__init__(leeway=CLOCKS_DIFFER)
        self._server = server
        self._used: Once[None] = Once(LONGEST_ASSERTION + CLOCKS_DIFFER + 1, server.now)
        self._started = int(server.now())

    def get_audiences(self) -> list[str]:
        """Whom an assertion may be meant for: the token endpoint, or the issuer itself."""
        return [f"{self._server.issuer}/token", self._server.issuer]

    def resolve_client_public_key(self, client: KeyClient | PublicClient) -> KeySet:
        """The client's registered keys: two while it changes from one to the next."""
        if isinstance(client, PublicClient) or not client.public_keys:
            raise InvalidClientError(description="This client has no key.")
        return KeySet(list(client.public_keys))

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        """Any of the keys will do: with two the library would ask for a `kid`, which many programs leave out."""
        for key in resolve_key.keys:
            try:
                claims = jwt.decode(assertion, key, algorithms=[ALGORITHM]).claims
            except (JoseError, ValueError):
                continue
            self.verify_claims(claims)
            return claims
        raise InvalidClientError(description="The assertion is not signed with a key registered for this client.")

    def verify_claims(self, claims: dict[str, Any]) -> None:
        """The usual claims and a short life. Used ids are in memory alone, so nothing from before the start counts."""
        issued, ends = claims.get("iat"), claims.get("exp")
        now = self._server.now()
        if not isinstance(issued, int | float) or issued < self._started - CLOCKS_DIFFER:
            raise InvalidClientError(description="The assertion needs an iat, and a new one.")
        if not isinstance(ends, int | float) or ends > now + LONGEST_ASSERTION + CLOCKS_DIFFER:
            raise InvalidClientError(description="The assertion must end within five minutes.")
        super().verify_claims(claims)

    def validate_jti(self, claims: dict[str, Any], jti: object) -> bool:
        """Whether this id is used for the first time."""
        return isinstance(jti, str) and self._used.keep(f"{claims['sub']} {jti}", None)


class AccessTokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Access tokens as RFC 9068 has them, for the audiences that were asked for."""

    def __init__(self, server: Issuer, audiences: list[str], refresh: Callable[..., str] | None = None) -> None:
        super().__init__(server.issuer, ALGORITHM, refresh, TOKEN_LIVES)
        self._server = server
        self._audiences = audiences

    def get_jwks(self) -> KeySet:
        """The one key that signs now."""
        return KeySet([self._server.keys.active()])

    def get_audiences(self, client: object, user: object, scope: object) -> list[str]:
        """The services that the token may be shown to."""
        return self._audiences

    def get_extra_claims(
        self, client: KeyClient | PublicClient, grant_type: str, user: Person | None, scope: str
    ) -> dict[str, Any]:
        """Who the bearer is to us: kind, agency, roles, partnerships."""
        if user is not None:
            return user.claims()
        assert isinstance(client, KeyClient)
        return client.claims()
