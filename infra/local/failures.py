"""What can go wrong for whoever runs the stack, said in one plain sentence with the remedy."""

import errno
import shutil
from pathlib import Path

ROOM_NEEDED_BYTES = 1_000_000_000


class CannotStart(Exception):
    """The stack cannot start, and a person can mend it: the message is a sentence with the remedy, for the terminal."""


def require_room(folder: Path, needed_bytes: int = ROOM_NEEDED_BYTES) -> None:
    """Refuse to begin where a broker and a database would soon stop for want of disk.

    Raises CannotStart when less than `needed_bytes` are free under `folder`.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise CannotStart(
            f"The disk that holds {folder} has {free_bytes // 1_000_000} MB free and the stack needs"
            f" {needed_bytes // 1_000_000} MB: free some, or point --home at a disk with room."
        )


def about_disk(error: OSError, folder: Path) -> CannotStart | None:
    """The sentence for a disk that is full or may not be written, or nothing when the error is another."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return CannotStart(f"The disk that holds {folder} is full: free some room, then start again.")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return CannotStart(
                f"{folder} may not be written ({error.strerror}): make it yours, or choose another --home."
            )
        case _:
            return None
