"""What a service needs of the vault: sealing to its public key, parcels that wait to be collected, and asking it.

Sealing needs no vault: a service keeps the vault's current public key in its own database. Nobody but the vault can
open what was sealed, the service that sealed it included.
"""

from shared.vault_client.asking import (
    Document,
    Filed,
    NotYetFiled,
    OwnReach,
    Shown,
    VaultAway,
    VaultClient,
    VaultRefused,
)
from shared.vault_client.keys import REFRESH_SECONDS, SealingKeys
from shared.vault_client.parcels import create_parcels, keep, parcel_router, parcel_table
from shared.vault_client.sealing import (
    Kind,
    NoSealingKey,
    Parcel,
    Sealable,
    Sealer,
    SealingKey,
    SealingKeyRetired,
    unreadable,
)

__all__ = [
    "REFRESH_SECONDS",
    "Document",
    "Filed",
    "Kind",
    "NoSealingKey",
    "NotYetFiled",
    "OwnReach",
    "Parcel",
    "Sealable",
    "Sealer",
    "SealingKey",
    "SealingKeyRetired",
    "SealingKeys",
    "Shown",
    "VaultAway",
    "VaultClient",
    "VaultRefused",
    "create_parcels",
    "keep",
    "parcel_router",
    "parcel_table",
    "unreadable",
]
