"""Generated secrets, each in a file of its own that only its owner may read."""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 24


def write_secret(path: Path, text: str | bytes) -> None:
    """Write `text` so that it never exists, not for an instant, with a wider mode than 0600."""
    content = text.encode() if isinstance(text, str) else text
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def secret(path: Path) -> str:
    """The secret kept in `path`, made on first asking; safe in a URL and in a properties file."""
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(SECRET_BYTES))
    return path.read_text()
