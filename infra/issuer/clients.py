"""Clients and people as Authlib asks after them."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2.rfc6749 import ClientMixin
from joserfc.jwk import ECKey

from infra.issuer.identities import AgencyIdentity, Application, PersonIdentity, ServiceIdentity


class KeyClient(ClientMixin):  # type: ignore[misc]
    """A service's or an agency's system: it shows who it is by signing with its own key."""

    def __init__(self, identity: ServiceIdentity | AgencyIdentity, public_keys: tuple[ECKey, ...]) -> None:
        self.identity = identity
        self.public_keys = public_keys

    @property
    def may_call(self) -> tuple[str, ...]:
        return self.identity.may_call

    def claims(self) -> dict[str, Any]:
        """What its tokens say of it besides its id."""
        match self.identity:
            case ServiceIdentity(roles=roles):
                return {"kind": "service", "roles": list(roles), "partnerships": []}
            case AgencyIdentity(id=agency, partnerships=partnerships):
                return {"kind": "agency", "agency": agency, "roles": [], "partnerships": list(partnerships)}

    def get_client_id(self) -> str:
        return self.identity.id

    def get_allowed_scope(self, scope: str | None) -> str:
        return ""

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "private_key_jwt"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    def check_response_type(self, response_type: str) -> bool:
        return False

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return False

    def get_default_redirect_uri(self) -> None:
        return None


class PublicClient(ClientMixin):  # type: ignore[misc]
    """A program on a person's machine (RFC 8252)."""

    SCOPES = ("openid",)

    def __init__(self, application: Application) -> None:
        self.application = application

    def get_client_id(self) -> str:
        return self.application.id

    def get_allowed_scope(self, scope: str | None) -> str:
        asked = (scope or "").split()
        return " ".join(s for s in self.SCOPES if s in asked)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "none"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """A registered address; on the loopback any port will do, since the program takes one that is free."""
        return any(_same_redirect(redirect_uri, registered) for registered in self.application.redirects)

    def get_default_redirect_uri(self) -> None:
        return None


def _same_redirect(asked: str, registered: str) -> bool:
    try:
        there, here = urlsplit(asked), urlsplit(registered)
        loopback = here.scheme == "http" and here.hostname in ("127.0.0.1", "::1")
        if not loopback:
            return asked == registered
        named = f"[{here.hostname}]" if ":" in str(here.hostname) else str(here.hostname)
        authorities = (named, f"{named}:{there.port}")
    except ValueError:
        return False
    return (
        there.netloc in authorities
        and asked == there._replace(scheme=here.scheme, path=here.path, query="", fragment="").geturl()
    )


@dataclass(frozen=True)
class Person:
    """Somebody who signed in."""

    identity: PersonIdentity

    @property
    def may_call(self) -> tuple[str, ...]:
        return self.identity.may_call

    def get_user_id(self) -> str:
        return self.identity.id

    def claims(self) -> dict[str, Any]:
        """What their tokens say of them besides their id."""
        return {
            "kind": "person",
            "agency": self.identity.agency,
            "roles": list(self.identity.roles),
            "partnerships": list(self.identity.partnerships),
        }
