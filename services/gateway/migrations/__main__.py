"""`python -m services.gateway.migrations`: the gateway's database, brought up to date."""

from pathlib import Path

from shared.migrate import migrate

if __name__ == "__main__":
    migrate(Path(__file__).parent)
