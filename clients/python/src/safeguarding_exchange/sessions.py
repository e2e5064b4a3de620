"""Who is signed in on this machine: tokens in one file that only its owner may read."""

import base64
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path


class NotSignedIn(Exception):
    """Nobody is signed in, or not as this account."""


@dataclass(frozen=True)
class Session:
    """One account, signed in. Times are seconds since 1970."""

    account: str
    gateway: str
    issuer: str
    access_token: str
    refresh_token: str
    expires_at: float

    @property
    def claims(self) -> dict[str, object]:
        """What the access token says. It is read for convenience only; the gateway checks it."""
        part = self.access_token.split(".")[1]
        claims: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return claims

    @property
    def agency(self) -> str:
        """The agency that the account belongs to."""
        return str(self.claims.get("agency", ""))

    @property
    def partnership(self) -> str | None:
        """The account's partnership, where it has but one."""
        several = self.claims.get("partnerships", [])
        return str(several[0]) if isinstance(several, list) and len(several) == 1 else None

    @property
    def ends_soon(self) -> bool:
        """Whether the access token must be renewed before it is used."""
        return time.time() > self.expires_at - 30


class Sessions:
    """The file of sessions: `$SX_HOME/sessions.json`, by default below `~/.config/sx`."""

    def __init__(self, home: Path | None = None) -> None:
        given = os.environ.get("SX_HOME")
        self._file = (home or (Path(given) if given else Path.home() / ".config" / "sx")) / "sessions.json"

    def get(self, account: str | None = None) -> Session:
        """The session of an account, or of whoever signed in last. Raises NotSignedIn."""
        kept = self._read()
        chosen = account or os.environ.get("SX_ACCOUNT") or kept.get("last")
        found = kept.get("sessions", {}).get(chosen)
        if found is None:
            whom = f"as {chosen}" if chosen else "yet"
            raise NotSignedIn(f"You are not signed in {whom}: sx sign-in --as ACCOUNT")
        return Session(**found)

    def keep(self, session: Session, *, last: bool = True) -> None:
        """Keep a session; it is the one used by default from now on unless `last` is false."""
        kept = self._read()
        kept.setdefault("sessions", {})[session.account] = asdict(session)
        if last:
            kept["last"] = session.account
        self._write(kept)

    def forget(self, account: str) -> None:
        """Sign an account out on this machine."""
        kept = self._read()
        kept.get("sessions", {}).pop(account, None)
        if kept.get("last") == account:
            kept.pop("last")
        self._write(kept)

    def _read(self) -> dict:  # type: ignore[type-arg]
        try:
            return dict(json.loads(self._file.read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def _write(self, kept: dict) -> None:  # type: ignore[type-arg]
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = self._file.with_suffix(".new")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(kept, file)
        aside.replace(self._file)
