"""Puts notifications together."""

import os
import sys

from fastapi import FastAPI

from contracts.catalogue import INCIDENTS
from contracts.envelope import AnyEvent
from services.notifications.api import Shelf, notifications_router
from services.notifications.copies import Copies
from services.notifications.proposals import Projection, judge
from services.notifications.reactions import cases_ahead, reactions
from services.notifications.tables import notification
from services.notifications.views import stream_of
from shared.assembly import Assembly
from shared.http import serve
from shared.post import Post
from shared.settings import NEEDED_BY_EVERY_SERVICE, BadSettings, Settings, settings_from
from shared.submissions import Submissions

NEEDED = (*NEEDED_BY_EVERY_SERVICE, "vault_url", "smtp_host", "smtp_port")


def app(settings: Settings) -> FastAPI:
    """One process of notifications."""
    made = Assembly(settings)
    projection = Projection(made.log, made.clock)
    made.project(projection, gathers=True)
    post = Post(made.database, made.clock, settings.smtp_host, settings.smtp_port)
    submissions = Submissions(made.workplace, made.database, made.parking, judge, _stream, ahead=cases_ahead)
    react = reactions()
    submissions.register(react)
    made.read(react, folds=(INCIDENTS,), after=submissions.wake)
    made.tasks += [submissions.run, post.run]
    made.signals += post.signals
    copies = Copies(made.database, made.workplace, made.vault_client)
    shelf = Shelf(made.database, made.log, copies, made.cursors)
    return made.app(
        title="Notifications", routers=[notifications_router(shelf)], views=[notification], fold=projection.fold
    )


def _stream(proposal: AnyEvent) -> str:
    assert proposal.subject is not None
    return stream_of(proposal.subject)


def main() -> None:
    """Run it with what the environment says."""
    try:
        settings = settings_from(os.environ, need=NEEDED)
    except BadSettings as faults:
        sys.exit(str(faults))
    serve(app(settings), settings)


if __name__ == "__main__":
    main()
