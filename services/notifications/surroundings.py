"""The directory as a transaction here reads it, once for all that is done in it."""

from contracts.directory import Directory
from shared.consumer import TryLater
from shared.database import Transaction
from shared.listed import directory


async def directory_of(tx: Transaction, partnership: str) -> Directory:
    """The directory. Raises TryLater until the partnership is in it: its facts come on another topic, at any time."""
    known: Directory | None = tx.known.get("directory")
    if known is None:
        known = tx.known["directory"] = await directory(tx.connection)
    if partnership not in known.partnerships:
        raise TryLater("the directory does not know the partnership yet")
    return known
