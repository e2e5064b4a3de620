"""The three ways to a token: a client's own credentials, a person's sign-in, and its renewal."""

import secrets
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    BaseGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode, UserInfo
from joserfc.jwk import KeySet

from infra.issuer.clients import KeyClient, Person, PublicClient
from infra.issuer.once import Code, Renewal
from infra.issuer.requests import Request
from infra.issuer.server import REFRESH_LIVES, AccessTokens, Issuer
from infra.issuer.signing import ALGORITHM, TOKEN_LIVES
from shared.identity import audience_of


class InvalidTarget(OAuth2Error):  # type: ignore[misc]
    """The `resource` asked for is none of ours, or not for this caller (RFC 8707)."""

    error = "invalid_target"
    description = "The resource is not one that you may call."


class _Tokens(BaseGrant):  # type: ignore[misc]
    """Issues tokens for the `resource` asked for, or for all that the caller may call."""

    server: Issuer
    request: Request

    def audiences(self, bearer: KeyClient | Person) -> list[str]:
        """The audiences of a new token. InvalidTarget for one that the bearer may not call."""
        allowed = [audience_of(name) for name in bearer.may_call if name in self.server.audiences]
        asked = self.request.payload.datalist.get("resource", [])
        if any(resource not in allowed for resource in asked):
            raise InvalidTarget()
        return asked or allowed

    def issue(self, bearer: KeyClient | Person, scope: str, renewal: Renewal | None = None) -> dict[str, Any]:
        """The token endpoint's answer."""

        def refresh(**_: object) -> str:
            assert renewal is not None
            token = secrets.token_urlsafe(32)
            self.server.renewals.keep(token, renewal)
            return token

        generator = AccessTokens(self.server, self.audiences(bearer), refresh)
        issued: dict[str, Any] = generator.generate(
            self.GRANT_TYPE,
            self.request.client,
            bearer if isinstance(bearer, Person) else None,
            scope,
            include_refresh_token=renewal is not None,
        )
        return issued


class OwnCredentials(_Tokens, ClientCredentialsGrant):  # type: ignore[misc]
    """A system's own token, for an assertion that it signed."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["private_key_jwt"]  # noqa: RUF012 (Authlib's own attribute)

    def generate_token(self, **_: object) -> dict[str, Any]:
        """The token (Authlib asks)."""
        return self.issue(self.request.client, "")


class SignIn(_Tokens, AuthorizationCodeGrant):  # type: ignore[misc]
    """A person's token, for the code that the sign-in page gave."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]  # noqa: RUF012 (Authlib's own attribute)

    def save_authorization_code(self, code: str, request: Request) -> None:
        """Keeps what a code stands for (Authlib asks)."""
        asked = request.payload.data
        kept = Code(
            client_id=request.client.get_client_id(),
            redirect_uri=asked["redirect_uri"],
            scope=request.scope,
            person=request.user.get_user_id(),
            nonce=asked.get("nonce"),
            code_challenge=asked["code_challenge"],
            code_challenge_method=asked["code_challenge_method"],
            signed_in_at=int(self.server.now()),
        )
        self.server.codes.keep(code, kept)

    def query_authorization_code(self, code: str, client: PublicClient) -> Code | None:
        """What a code stands for; asked once, it is used up, whatever comes of it (Authlib asks)."""
        kept = self.server.codes.take(code)
        return kept if kept and kept.client_id == client.get_client_id() else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing: it is gone already (Authlib asks)."""

    def authenticate_user(self, authorization_code: Code) -> Person | None:
        """Who signed in (Authlib asks)."""
        return self.server.person(authorization_code.person)

    def generate_token(self, user: Person, scope: str, **_: object) -> dict[str, Any]:
        """The token (Authlib asks)."""
        until = self.server.now() + REFRESH_LIVES
        client_id = self.request.client.get_client_id()
        return self.issue(user, scope, Renewal(client_id, user.get_user_id(), scope, until))


class Renew(_Tokens, RefreshTokenGrant):  # type: ignore[misc]
    """A person's next token, for a refresh token, which is thereby used up and replaced."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]  # noqa: RUF012 (Authlib's own attribute)

    def authenticate_refresh_token(self, refresh_token: str) -> Renewal | None:
        """What a refresh token stands for (Authlib asks)."""
        renewal = self.server.renewals.take(refresh_token)
        return renewal if renewal and renewal.until > self.server.now() else None

    def authenticate_user(self, refresh_token: Renewal) -> Person | None:
        """Whose it is (Authlib asks)."""
        return self.server.person(refresh_token.person)

    def revoke_old_credential(self, refresh_token: Renewal) -> None:
        """Nothing: it is gone already (Authlib asks)."""

    def issue_token(self, user: Person, refresh_token: Renewal) -> dict[str, Any]:
        """The token (Authlib asks)."""
        return self.issue(user, refresh_token.scope, refresh_token)


class Challenge(CodeChallenge):  # type: ignore[misc]
    """PKCE, asked of everybody, and by its only safe method (RFC 9700)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]  # noqa: RUF012 (Authlib's own attribute)

    def validate_code_challenge(self, grant: SignIn, redirect_uri: str) -> None:
        """Authlib would let a request without a challenge pass."""
        asked = grant.request.payload.data
        if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("A code_challenge by the method S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class IdToken(OpenIDCode):  # type: ignore[misc]
    """Tells the program who signed in; not a key to any service."""

    def __init__(self, server: Issuer) -> None:
        super().__init__(require_nonce=False)
        self._server = server

    def exists_nonce(self, nonce: str, request: Request) -> bool:
        """The program, not we, checks that a nonce is its own; codes are good once anyway."""
        return False

    def resolve_client_private_key(self, client: PublicClient) -> KeySet:
        """The key that signs now."""
        return KeySet([self._server.keys.active()])

    def get_client_algorithm(self, client: PublicClient) -> str:
        """How it is signed."""
        return ALGORITHM

    def get_client_claims(self, client: PublicClient) -> dict[str, Any]:
        """Whom it is from and for."""
        now = int(self._server.now())
        return {"iss": self._server.issuer, "aud": client.get_client_id(), "iat": now, "exp": now + TOKEN_LIVES}

    def generate_user_info(self, user: Person, scope: str) -> UserInfo:
        """The office that signed in."""
        return UserInfo(sub=user.identity.id, name=user.identity.title)


def add_grants(server: Issuer) -> Issuer:
    """The server, with the ways to a token that it offers."""
    server.register_grant(OwnCredentials)
    server.register_grant(SignIn, [Challenge(required=True), IdToken(server)])
    server.register_grant(Renew)
    return server
