"""`python -m services.vault.migrations`: both of the vault's databases, the data and, apart from it, the keys."""

import asyncio
import os
import sys
from pathlib import Path

from sqlalchemy import make_url

from shared.migrate import migrate, upgrade

HERE = Path(__file__).parent

if __name__ == "__main__":
    owner, runtime = os.environ.get("SX_OWNER_KEYS_DATABASE_URL"), os.environ.get("SX_KEYS_DATABASE_URL")
    if not owner or not runtime:
        sys.exit("set SX_OWNER_KEYS_DATABASE_URL and SX_KEYS_DATABASE_URL: the two ways into the key store")
    migrate(HERE)
    asyncio.run(upgrade(HERE / "keys", owner, make_url(runtime).username or ""))
