"""`python -m services.rapid_review.migrations`."""

from pathlib import Path

from shared.migrate import migrate

if __name__ == "__main__":
    migrate(Path(__file__).parent)
