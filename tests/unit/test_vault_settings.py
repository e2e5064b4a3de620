"""What the vault alone is told: in production its keys' database is held to the same as every other."""

import pytest

from services.vault.app import vault_settings
from shared.settings import BadSettings, Settings

LONG = "correct-horse-battery-staple"
TOLD = {
    "SX_KEYS_DATABASE_URL": f"postgresql+asyncpg://keys:{LONG}@database/keys",
    "SX_MASTER_KEY_FILE": "/keys/master",
    "PGSSLMODE": "verify-full",
}
PRODUCTION = Settings(service="vault", mode="production")


def test_production_settings_that_stand_are_taken() -> None:
    assert vault_settings(TOLD, PRODUCTION).keys_database_url == TOLD["SX_KEYS_DATABASE_URL"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"SX_MASTER_KEY_FILE": ""}, "SX_MASTER_KEY_FILE is not set"),
        (
            {"SX_KEYS_DATABASE_URL": "postgresql+asyncpg://keys:keys@db/keys"},
            "SX_KEYS_DATABASE_URL has a default",
        ),
        ({"PGSSLMODE": "prefer"}, "SX_KEYS_DATABASE_URL leads to another machine"),
    ],
)
def test_production_refuses_what_is_fit_for_a_laptop_only(change: dict[str, str], told: str) -> None:
    with pytest.raises(BadSettings) as bad:
        vault_settings(TOLD | change, PRODUCTION)

    assert [fault[: len(told)] for fault in bad.value.faults] == [told]
    assert vault_settings(TOLD | change | {"SX_MASTER_KEY_FILE": "/m"}, Settings(service="vault"))
