"""Who may sign in, from the identities file; and the keys and passwords made for them in this installation."""

import base64
import hashlib
import hmac
import json
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.identifiers import AgencyId, PartnershipId, PersonId
from infra.issuer.registered import CURVE, Register, Registration, write_private

CLIENT_ID = r"^[a-z][a-z0-9-]{1,62}$"
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Application(_Entry):
    """A program that people sign in with; it keeps no secret, so PKCE stands in for one."""

    id: str = Field(pattern=CLIENT_ID)
    name: str
    redirects: tuple[str, ...]


class ServiceIdentity(_Entry):
    """One of our services, with the services it may call."""

    id: str = Field(pattern=CLIENT_ID)
    roles: tuple[str, ...] = ()
    may_call: tuple[str, ...] = ()


class AgencyIdentity(_Entry):
    """An agency's own system."""

    id: AgencyId
    partnerships: tuple[PartnershipId, ...]
    may_call: tuple[str, ...] = ("gateway",)


class PersonIdentity(_Entry):
    """An office that a person signs in as; its title says which, and never who holds it."""

    id: PersonId
    title: str
    agency: AgencyId
    roles: tuple[str, ...]
    partnerships: tuple[PartnershipId, ...]
    may_call: tuple[str, ...] = ("gateway",)


class Identities(_Entry):
    """The whole identities file."""

    application: tuple[Application, ...] = ()
    service: tuple[ServiceIdentity, ...] = ()
    agency: tuple[AgencyIdentity, ...] = ()
    person: tuple[PersonIdentity, ...] = ()

    @property
    def clients(self) -> tuple[ServiceIdentity | AgencyIdentity, ...]:
        """Those that sign in with a key of their own."""
        return (*self.service, *self.agency)


class BadIdentities(Exception):
    """The identities file cannot be used; says where and why."""


def read_identities(path: Path) -> Identities:
    """The identities in a file. Raises BadIdentities."""
    try:
        identities = Identities.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadIdentities(f"{path.name}: {error}") from None
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise BadIdentities(f"{path.name}: {told}") from None
    ids = [each.id for each in (*identities.application, *identities.clients, *identities.person)]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise BadIdentities(f"{path.name}: used twice: {', '.join(twice)}; give each its own id")
    agencies = {agency.id for agency in identities.agency}
    if strays := [person.id for person in identities.person if person.agency not in agencies]:
        raise BadIdentities(f"{path.name}: of an agency that is not in the file: {', '.join(strays)}")
    return identities


@dataclass(frozen=True)
class Installed:
    """Where this installation keeps what was made for its identities. Private halves are for their owners alone."""

    folder: Path

    def key_file(self, client: str) -> Path:
        """A client's private key, PEM, mode 0600."""
        return self.folder / "keys" / f"{client}.pem"

    def password_file(self, person: str) -> Path:
        """A person's password, mode 0600."""
        return self.folder / "passwords" / person

    def hash_file(self, person: str) -> Path:
        """A password's scrypt hash."""
        return self.folder / "people" / f"{person}.json"

    @property
    def register(self) -> Register:
        """The public keys of every client."""
        return Register(self.folder / "clients")


def ensure_identities(identities_file: Path, state_dir: Path) -> Installed:
    """Makes the keys and passwords that are missing; what is there stays. Raises BadIdentities."""
    identities = read_identities(identities_file)
    installed = Installed(state_dir / "identities")
    for client in identities.clients:
        if not installed.register.has(client.id):
            key = ECKey.generate_key(CURVE, auto_kid=True)
            write_private(installed.key_file(client.id), key.as_pem(private=True))
            installed.register.write(client.id, Registration((key,)))
    for person in identities.person:
        if not installed.hash_file(person.id).exists():
            password = secrets.token_urlsafe(18)
            write_private(installed.password_file(person.id), password.encode())
            write_private(installed.hash_file(person.id), json.dumps(_hashed(password)).encode())
    return installed


def _hashed(password: str) -> dict[str, Any]:
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)
    return {"salt": base64.b64encode(salt).decode(), "scrypt": base64.b64encode(digest).decode(), **_SCRYPT}


_NOBODY = _hashed(secrets.token_urlsafe(18))


def password_holds(installed: Installed, person: str | None, password: str) -> bool:
    """Whether a password is that person's; takes as long for somebody who does not exist."""
    path = installed.hash_file(person) if person else None
    known = json.loads(path.read_text()) if path and path.exists() else _NOBODY
    cost = {name: known[name] for name in _SCRYPT}
    digest = hashlib.scrypt(password.encode(), salt=base64.b64decode(known["salt"]), **cost)
    return hmac.compare_digest(digest, base64.b64decode(known["scrypt"])) and known is not _NOBODY
