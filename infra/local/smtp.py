"""The local mail server: takes every e-mail and files it in a maildir, where any mail reader can look at it.

`python -m infra.local.smtp --port 8025 --maildir <folder>`
"""

import argparse
import asyncio
import signal
from functools import partial
from pathlib import Path

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

from infra.local.ports import LOOPBACK

LARGEST_BYTES = 33_554_432


async def serve(listen: str, port: int, maildir: Path) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the port is taken."""
    maildir.parent.mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    mailbox = Mailbox(maildir)
    server = await loop.create_server(partial(SMTP, mailbox, data_size_limit=LARGEST_BYTES, loop=loop), listen, port)
    ended = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, ended.set)
    print(f"taking mail on port {port}", flush=True)
    async with server:
        await ended.wait()


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m infra.local.smtp", description=__doc__)
    asked.add_argument("--listen", default=LOOPBACK)
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--maildir", type=Path, required=True)
    told = asked.parse_args()
    asyncio.run(serve(told.listen, told.port, told.maildir))


if __name__ == "__main__":
    main()
