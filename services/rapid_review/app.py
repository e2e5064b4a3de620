"""Puts rapid reviews together."""

import os
import sys
from datetime import timedelta

from fastapi import FastAPI

from contracts.catalogue import INCIDENTS
from services.rapid_review.agenda import ReviewAgenda, unticked
from services.rapid_review.api import reviews_router
from services.rapid_review.api_copies import copies_router
from services.rapid_review.copies import Copies
from services.rapid_review.proposals import Projection, judge
from services.rapid_review.reactions import dossiers_ahead, reactions
from services.rapid_review.scanning import Scanner, Scanning
from services.rapid_review.shelf import Shelf
from services.rapid_review.streams import stream_of
from services.rapid_review.tables import VIEWS
from shared.assembly import Assembly
from shared.http import serve
from shared.post import Post
from shared.settings import NEEDED_BY_EVERY_SERVICE, BadSettings, Settings, settings_from
from shared.signals import Signal
from shared.submissions import Submissions
from shared.ticking import Ticking

NEEDED = (*NEEDED_BY_EVERY_SERVICE, "vault_url", "smtp_host", "smtp_port")


def app(settings: Settings) -> FastAPI:
    """One process of rapid reviews."""
    made = Assembly(settings)
    projection = Projection(made.log, made.clock)
    made.project(projection, gathers=True)
    post = Post(made.database, made.clock, settings.smtp_host, settings.smtp_port)
    submissions = Submissions(made.workplace, made.database, made.parking, judge, stream_of, ahead=dossiers_ahead)
    react = reactions()
    submissions.register(react)
    made.read(react, folds=(INCIDENTS,), after=submissions.wake)
    ticking = Ticking(ReviewAgenda(made.workplace), made.database, made.log, made.clock)
    scanner = Scanner(made.vault_client)
    scanning = Scanning(made.workplace, made.database, scanner)
    made.tasks += [submissions.run, post.run, ticking.run, scanning.run]

    async def late() -> float:
        async with made.database.reading() as connection:
            return await unticked(connection, made.clock.now() - timedelta(minutes=1))

    made.signals += [
        *post.signals,
        Signal("clocks_unticked", "Reviews that should have been ticked over a minute ago.", late),
        Signal("scans_waiting_seconds", "How long the oldest draft has waited for its scan.", scanning.waiting),
    ]

    async def tick() -> None:
        await ticking.tick()

    shelf = Shelf(made.database, made.log, made.clock)
    return made.app(
        title="Rapid reviews",
        routers=[
            reviews_router(shelf, made.vault_client, made.cursors),
            copies_router(shelf, Copies(made.database, made.workplace, made.vault_client), scanner),
        ],
        views=VIEWS,
        fold=projection.fold,
        tick=tick,
        next_due=ticking.next_due,
    )


def main() -> None:
    """Run it with what the environment says."""
    try:
        settings = settings_from(os.environ, need=NEEDED)
    except BadSettings as faults:
        sys.exit(str(faults))
    serve(app(settings), settings)


if __name__ == "__main__":
    main()
