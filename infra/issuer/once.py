"""What may be used one time only: codes, refresh tokens, the ids of assertions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from infra.issuer.clients import PublicClient

Kept = TypeVar("Kept")


class Once(Generic[Kept]):
    """Keeps things under a name for `lives` seconds, and gives each out once."""

    def __init__(self, lives: float, now: Callable[[], float]) -> None:
        self._lives = lives
        self._now = now
        self._kept: dict[str, tuple[float, Kept]] = {}

    def keep(self, name: str, kept: Kept) -> bool:
        """False if there is something under that name already."""
        now = self._now()
        while self._kept and self._kept[oldest := next(iter(self._kept))][0] <= now:
            del self._kept[oldest]
        if name in self._kept:
            return False
        self._kept[name] = (now + self._lives, kept)
        return True

    def take(self, name: str) -> Kept | None:
        """What was kept, which is then gone."""
        if name not in self._kept:
            return None
        until, kept = self._kept.pop(name)
        return kept if until > self._now() else None


@dataclass(frozen=True)
class Code:
    """What an authorization code stands for."""

    client_id: str
    redirect_uri: str
    scope: str
    person: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    signed_in_at: int

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.signed_in_at

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> list[str]:
        return ["pwd"]


@dataclass(frozen=True)
class Renewal:
    """What a refresh token stands for. A renewed one ends when the first would have."""

    client_id: str
    person: str
    scope: str
    until: float

    def check_client(self, client: PublicClient) -> bool:
        return client.get_client_id() == self.client_id

    def get_scope(self) -> str:
        return self.scope
