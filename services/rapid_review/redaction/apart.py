"""Reading in a process of its own, which is given the document alone: no secret, no name, little memory and time.

`python -m services.rapid_review.redaction.apart <media type>` reads a document from its input and writes its parts.
"""

import asyncio
import dataclasses
import json
import resource
import sys
from pathlib import Path

from services.rapid_review.redaction.document import Document, Part, Unreadable
from services.rapid_review.redaction.known import Known
from services.rapid_review.redaction.reading import read
from services.rapid_review.redaction.scanning import Scanned, failed, scan_document
from shared.documents import SIZE_LIMIT

_MEMORY = 1024 * 1024 * 1024
_CPU_SECONDS = 30
_PATIENCE = 60.0
_MOST_TEXT = 8 * 1024 * 1024
"""Characters: what one document may give to be searched; a report of sixty pages has some 300,000."""
_ROOT = Path(__file__).resolve().parents[3]


async def scanned_apart(content: bytes, media_type: str, known: Known) -> Scanned:
    """The scan of a document: read in a process apart, searched in this one. Whatever goes wrong, it failed."""
    try:
        document = await read_apart(content, media_type)
    except Unreadable as unreadable:
        return failed(unreadable.why)
    return await asyncio.to_thread(scan_document, document, known)


async def read_apart(content: bytes, media_type: str) -> Document:
    """A document's parts. Raises Unreadable."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.rapid_review.redaction.apart",
        media_type,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=_ROOT,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            said, _ = await process.communicate(content)
        told = json.loads(said)
    except (TimeoutError, ValueError):
        raise Unreadable("too-much") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if "why" in told:
        raise Unreadable(told["why"])
    return Document(
        tuple(Part(**part) for part in told["body"]),
        tuple(Part(**part) for part in told["beside"]),
        tuple(told["unread"]),
    )


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    content = sys.stdin.buffer.read(SIZE_LIMIT + 1)
    try:
        said = json.dumps(dataclasses.asdict(read(content, sys.argv[1])))
        if len(said) > _MOST_TEXT:
            raise Unreadable("too-much")
    except Unreadable as unreadable:
        said = json.dumps({"why": unreadable.why})
    except MemoryError:
        said = json.dumps({"why": "too-much"})
    except Exception:  # a document that breaks a reader is damaged, whatever the reader called it
        said = json.dumps({"why": "damaged"})
    sys.stdout.write(said)


if __name__ == "__main__":
    _main()
