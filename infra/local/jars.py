"""Jars, every one by Maven coordinate, held to the checksum committed in jars.lock.toml: the broker's, a compiler.

`python -m infra.local.jars` writes that file anew (part of `make lock`).
"""

import fcntl
import hashlib
import os
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import requests
from jgo.config import GlobalSettings
from jgo.maven import Artifact, MavenContext

from infra.local.failures import CannotStart, about_disk

KAFKA_VERSION = "4.3.1"
# Kafka logs nothing at all without a binding for SLF4J. It is resolved alone: joined to Kafka's own coordinate, its
# dependency management would pull kafka-clients down to 3.9 (seen with jgo 3.2).
LOGGING_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
KAFKA = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
# Eclipse's: the Java of the wheel has none, and this one is a single jar.
COMPILER = "org.eclipse.jdt:ecj:3.45.0"

LOCK = Path(__file__).with_name("jars.lock.toml")
AT_ONCE = 6
SECONDS_PER_REQUEST = 30
MIRROR_SETTING = "MAVEN_MIRROR_URL"

Progress = Callable[[int, int], None]
Use = Literal["broker", "compiler"]
"""What jars are locked for: the broker's class path, or the tests' compiler, which no stack fetches."""


@dataclass(frozen=True)
class Jar:
    coordinate: str
    sha256: str


def locked_jars(use: Use = "broker") -> tuple[Jar, ...]:
    return tuple(Jar(**entry) for entry in tomllib.loads(LOCK.read_text())[use])


def fetch_jars(cache: Path, progress: Progress = lambda done, total: None, *, use: Use = "broker") -> list[Path]:
    """The paths of every jar locked for a use, fetched into `cache` where it lacks one. `progress`: (done, total).

    Raises CannotStart when the registry does not answer, a jar's bytes are not the locked ones, or the disk is full.
    """
    context = _registry(cache.resolve())
    jars = locked_jars(use)
    with alone_in(cache), ThreadPoolExecutor(AT_ONCE) as pool:
        missing = [jar for jar in jars if not _is_whole(_artifact(context, jar).cached_path, jar)]
        for done, _ in enumerate(pool.map(lambda jar: _fetch(context, jar, cache), missing), start=1):
            progress(done, len(missing))
    return [Path(_artifact(context, jar).resolve()) for jar in jars]


@contextmanager
def alone_in(cache: Path) -> Iterator[None]:
    """Two runs share one cache: the second waits, and finds what the first fetched."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise about_disk(error, cache) or error from error


def _artifact(context: MavenContext, jar: Jar) -> Artifact:
    group, name, version = jar.coordinate.split(":")
    return context.project(group, name).at_version(version).artifact()


def _is_whole(path: Path | None, jar: Jar) -> bool:
    return path is not None and path.exists() and _sha256(path) == jar.sha256


def _registry(cache: Path) -> MavenContext:
    mirror = os.environ.get(MIRROR_SETTING)
    remote = {"mirror": mirror.rstrip("/")} if mirror else GlobalSettings.load().repositories or None
    return MavenContext(repo_cache=cache, remote_repos=remote, timeout=SECONDS_PER_REQUEST)


def _fetch(context: MavenContext, jar: Jar, cache: Path) -> None:
    artifact = _artifact(context, jar)
    if artifact.cached_path is not None:
        artifact.cached_path.unlink(missing_ok=True)  # a fetch that was cut short leaves half a file behind
    try:
        path = Path(artifact.resolve())
    except OSError as error:  # requests' own errors are OSErrors too
        if isinstance(error, requests.RequestException):
            raise CannotStart(
                f"The Maven registry did not answer while fetching {jar.coordinate} ({type(error).__name__}): check the"
                f" network and proxy, or name a mirror in {MIRROR_SETTING}, then start again; what has arrived is kept."
            ) from error
        raise
    except RuntimeError as error:
        raise CannotStart(
            f"The Maven registry has no {jar.coordinate}: check the mirror named in {MIRROR_SETTING} or in jgo's"
            " settings."
        ) from error
    if not _is_whole(path, jar):
        path.unlink()
        raise CannotStart(
            f"{jar.coordinate} arrived with other bytes than the committed checksum says and was thrown away:"
            f" do not go on with this registry or mirror; {LOCK.name} has the checksum."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _resolve_anew() -> Iterator[tuple[Use, Jar]]:
    import jgo  # its resolver, which also reads every POM, is needed only here

    resolved = [f"{one.groupId}:{one.artifactId}:{one.version}" for one in jgo.resolve(KAFKA)]
    uses: dict[Use, list[str]] = {"broker": [LOGGING_BINDING, *resolved], "compiler": [COMPILER]}
    with TemporaryDirectory() as folder:
        context = _registry(Path(folder))
        for use, coordinates in uses.items():
            for coordinate in coordinates:
                path = Path(_artifact(context, Jar(coordinate, "")).resolve())
                yield use, Jar(coordinate, _sha256(path))


def write_lock() -> None:
    entries = [f'[[{use}]]\ncoordinate = "{jar.coordinate}"\nsha256 = "{jar.sha256}"\n' for use, jar in _resolve_anew()]
    heading = "# Written by `make lock`: the broker's class path, in its order, and a compiler for the Java client.\n\n"
    LOCK.write_text(heading + "\n".join(entries))


if __name__ == "__main__":
    write_lock()
