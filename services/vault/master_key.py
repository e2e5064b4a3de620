"""`python -m services.vault.master_key`: adds a new current master key to the file that SX_MASTER_KEY_FILE names.

Then `POST /v1/master-keys/rewrap` wraps every key by it; once that says 0, the old line may be taken out of the file.
"""

import os
import sys
from pathlib import Path

from services.vault.ciphers import MasterKeys


def main() -> None:
    """Adds the line; says its id and never the key."""
    file = os.environ.get("SX_MASTER_KEY_FILE")
    if not file:
        sys.exit("set SX_MASTER_KEY_FILE to the file with the vault's master keys")
    sys.stdout.write(f"{MasterKeys.add(Path(file)).current} is the current master key now\n")


if __name__ == "__main__":
    main()
