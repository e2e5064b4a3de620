"""What a process is told when it starts, all of it from the environment. Only a service's `app.py` reads this."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

Mode = Literal["local", "production"]

NEEDED_BY_EVERY_SERVICE = (
    "service",
    "database_url",
    "kafka_bootstrap",
    "kafka_username",
    "kafka_password",
    "http_port",
    "issuer",
    "audience",
    "client_id",
    "client_key_file",
    "state_dir",
)

KNOWN_SECRETS = frozenset({"", "admin", "changeme", "kafka", "local", "password", "postgres", "secret", "test"})
"""Passwords that stand in manuals and examples, and so are none."""

SHORTEST_SECRET = 16


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One process's settings. Text that was not given is empty; what a service needs is never empty."""

    service: str
    mode: Mode = "local"
    database_url: str = field(default="", repr=False)
    owner_database_url: str = field(default="", repr=False)
    kafka_bootstrap: str = ""
    kafka_username: str = ""
    kafka_password: str = field(default="", repr=False)
    kafka_security: str = "SASL_PLAINTEXT"
    kafka_ca_file: str = ""
    http_host: str = "127.0.0.1"
    http_port: int = 0
    http_certificate_file: str = ""
    http_key_file: str = ""
    trusted_proxy: str = ""
    issuer: str = ""
    audience: str = ""
    client_id: str = ""
    client_key_file: str = ""
    cursor_key_file: str = ""
    vault_url: str = ""
    gateway_url: str = ""
    notifications_url: str = ""
    delivery_url: str = ""
    rapid_review_url: str = ""
    clock_file: str = ""
    state_dir: str = ""
    smtp_host: str = ""
    smtp_port: int = 0
    identities_file: str = ""
    otlp_endpoint: str = ""


class BadSettings(SystemExit):
    """What is wrong with the environment: every fault, each with its variable and the remedy.

    An operator must mend it, so a process that lets it pass ends with these sentences and no traceback.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(["the settings do not stand:", *(f"  {fault}" for fault in faults)]))
        self.faults = faults


def variable(name: str) -> str:
    """The environment variable that gives a setting."""
    return "OTEL_EXPORTER_OTLP_ENDPOINT" if name == "otlp_endpoint" else f"SX_{name.upper()}"


SECRETS = ("database_url", "owner_database_url", "kafka_password")
_PORTS = ("http_port", "smtp_port")
_SERVICE_URLS = ("issuer", "vault_url", "gateway_url", "notifications_url", "delivery_url", "rapid_review_url")


def settings_from(environ: Mapping[str, str], *, need: Collection[str] = NEEDED_BY_EVERY_SERVICE) -> Settings:
    """The settings that `environ` gives; `need` names those without which this process cannot work.

    A secret may be given by file instead: `SX_KAFKA_PASSWORD_FILE` for `SX_KAFKA_PASSWORD`.
    Raises BadSettings with every fault at once.
    """
    faults: list[str] = []
    given = {f.name: _given(f.name, environ, faults) for f in fields(Settings)}
    values: dict[str, object] = {name: text for name, text in given.items() if text and name not in _PORTS}
    values |= {name: _port(name, given[name], faults) for name in _PORTS}
    faults += [
        f"{variable(name)} is not set: {_REMEDIES.get(name, 'set it for this process')}"
        for name in need
        if not given[name]
    ]
    values.setdefault("service", "")
    if values.get("mode", "local") not in ("local", "production"):
        faults.append(f"{variable('mode')} is neither local nor production: set one of them")
    settings = Settings(**values)  # type: ignore[arg-type]
    faults += _malformed(settings)
    if settings.mode == "production":
        faults += _unfit_for_production(settings, environ.get("PGSSLMODE", ""))
    if faults:
        raise BadSettings(faults)
    return settings


_REMEDIES = {
    "service": "the service's name, such as gateway",
    "database_url": "postgresql+asyncpg://<runtime role>:<password>@<host>:<port>/<database>",
    "kafka_bootstrap": "the brokers as host:port, comma separated",
    "kafka_password": "or point SX_KAFKA_PASSWORD_FILE at a file that holds it",
    "http_port": "the port to listen on",
    "issuer": "the address of the sign-in provider",
    "audience": "the audience that tokens for this service must carry",
    "client_key_file": "the file with this service's private key, made when it was registered with the issuer",
    "state_dir": "a folder of its own that this process may write to",
}


def _given(name: str, environ: Mapping[str, str], faults: list[str]) -> str:
    text = environ.get(variable(name), "").strip()
    from_file = environ.get(f"{variable(name)}_FILE", "").strip() if name in SECRETS else ""
    if not from_file:
        return text
    if text:
        faults.append(f"{variable(name)} and {variable(name)}_FILE are both set: keep one")
    try:
        return Path(from_file).read_text().strip()
    except (OSError, UnicodeDecodeError) as unreadable:
        faults.append(
            f"{variable(name)}_FILE cannot be read ({type(unreadable).__name__}): make it readable or unset it"
        )
        return ""


def _port(name: str, text: str, faults: list[str]) -> int:
    if not text:
        return 0
    if not text.isdecimal() or not 0 < int(text) < 65536:
        faults.append(f"{variable(name)} is not a port: give a number from 1 to 65535")
        return 0
    return int(text)


def _malformed(settings: Settings) -> list[str]:
    faults = []
    if settings.service and not re.fullmatch(r"[a-z][a-z0-9_-]*", settings.service):
        faults.append("SX_SERVICE is not a name: use lower-case letters, digits and hyphens")
    for name in ("database_url", "owner_database_url"):
        url = cast(str, getattr(settings, name))
        if url and not url.startswith("postgresql+asyncpg://"):
            faults.append(f"{variable(name)} does not begin with postgresql+asyncpg://: write it so")
    for name in _SERVICE_URLS:
        url = cast(str, getattr(settings, name))
        if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc):
            faults.append(f"{variable(name)} is not an http or https address: give it whole, with its host")
    if settings.kafka_security not in ("SASL_PLAINTEXT", "SASL_SSL"):
        faults.append("SX_KAFKA_SECURITY is neither SASL_PLAINTEXT nor SASL_SSL: set one of them")
    if bool(settings.http_certificate_file) != bool(settings.http_key_file):
        faults.append("SX_HTTP_CERTIFICATE_FILE and SX_HTTP_KEY_FILE belong together: set both or neither")
    return faults


def _unfit_for_production(settings: Settings, database_tls: str) -> list[str]:
    plain = [name for name in _SERVICE_URLS if cast(str, getattr(settings, name)).startswith("http://")]
    faults = [f"{variable(name)} is not https: in production tokens travel under TLS only" for name in plain]
    if urlsplit(settings.otlp_endpoint).scheme == "http" and not _on_this_machine(settings.otlp_endpoint):
        faults.append(f"{variable('otlp_endpoint')} is not https: send traces under TLS, or to a collector beside this")
    for name in ("database_url", "owner_database_url"):
        faults += unfit_database(variable(name), cast(str, getattr(settings, name)), database_tls)
    if settings.kafka_bootstrap:
        if settings.kafka_security != "SASL_SSL":
            faults.append("SX_KAFKA_SECURITY is not SASL_SSL: in production Kafka is reached under TLS only")
        if _weak(settings.kafka_password, settings.kafka_username):
            faults.append("SX_KAFKA_PASSWORD is a default or short one: generate one of 16 characters or more")
    if settings.clock_file:
        faults.append("SX_CLOCK_FILE is set: a movable clock is for demo and tests; unset it")
    if settings.http_port and not settings.http_certificate_file and not settings.trusted_proxy:
        faults.append(
            "no TLS at the door: set SX_HTTP_CERTIFICATE_FILE and SX_HTTP_KEY_FILE, "
            "or name the proxy that ends it in SX_TRUSTED_PROXY"
        )
    if settings.http_port and not settings.cursor_key_file:
        faults.append("SX_CURSOR_KEY_FILE is not set: all processes of a service must share one such key")
    faults += _unfit_file("SX_CURSOR_KEY_FILE", settings.cursor_key_file)
    faults += _unfit_file("SX_CLIENT_KEY_FILE", settings.client_key_file)
    return faults


DATABASE_UNDER_TLS = ("require", "verify-ca", "verify-full")


def unfit_database(named: str, url: str, tls: str) -> list[str]:
    """What is unfit for production in a database's address, given by the variable `named`; `tls` is PGSSLMODE's value.

    The driver takes the mode from there: its own default goes on in the clear where the server offers no TLS.
    """
    faults = []
    if url and _weak(urlsplit(url).password or "", urlsplit(url).username or ""):
        faults.append(f"{named} has a default or short password: generate one of 16 characters or more")
    if url and not _on_this_machine(url) and tls not in DATABASE_UNDER_TLS:
        faults.append(
            f"{named} leads to another machine and PGSSLMODE is not verify-full: set it, and PGSSLROOTCERT to the"
            " authority's certificate, so that the database is reached under TLS only"
        )
    return faults


def _on_this_machine(url: str) -> bool:
    return urlsplit(url).hostname in (None, "localhost", "127.0.0.1", "::1")


def _unfit_file(named: str, path: str) -> list[str]:
    """A key that others on the machine can read, or that somebody typed. One that is not there yet is no fault here."""
    file = Path(path)
    try:
        if not path or not file.exists():
            return []
        if file.stat().st_mode & 0o007:
            return [
                f"{named} names a file that others can read: chmod 600, and make a new key, since this one was open"
            ]
        content = file.read_bytes()
    except OSError as unreadable:
        return [
            f"{named} names a file that cannot be read ({type(unreadable).__name__}): make it readable to this user"
        ]
    if len(content) < SHORTEST_SECRET or content.strip().lower().decode(errors="replace") in KNOWN_SECRETS:
        return [f"{named} names a file with a default or short secret: delete it, and one is made"]
    return []


def _weak(secret: str, owner: str) -> bool:
    return len(secret) < SHORTEST_SECRET or secret.lower() in KNOWN_SECRETS or secret == owner


def cursor_key(settings: Settings) -> bytes:
    """The key that this service's page cursors are signed with; made on first use and shared by its processes."""
    return secret_file(Path(settings.cursor_key_file or Path(settings.state_dir) / f"{settings.service}.cursor-key"))


def secret_file(path: Path, *, size: int = 32) -> bytes:
    """The secret in `path`, made there with `size` random bytes if there is none; only its owner may read it.

    Two processes that start at once end with the same secret: it is written aside and linked into place.
    """
    if path.exists():
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.urandom(6).hex()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(size))
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
    return path.read_bytes()
