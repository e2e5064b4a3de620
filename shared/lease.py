"""Who of a service's processes leads: a lease with a term, held by one database session and ended with it."""

from typing import Any


class LeaseLost(RuntimeError):
    """Another process leads now."""


async def take(session: Any, holder: str, seconds: float) -> int | None:
    """Take the lease for this session if nobody holds it; returns the new term, or None while another leads.

    A lease is held while its session lives and it was renewed within `seconds`. The predecessor's session is ended
    before the term begins, so that a leader paused in the midst of its work can finish none of it when it wakes: an
    advisory lock would not see to that. PostgreSQL lets a role end its own sessions.
    """
    held = await session.fetchrow(
        """
        select term, session, session_began, until > clock_timestamp() as fresh,
               exists (select from pg_stat_activity where pid = session and backend_start = session_began) as alive
        from lease
        """
    )
    if held["alive"]:
        if held["fresh"]:
            return None
        # A number may have gone to another session since, so its beginning is looked at too.
        ended = await session.fetchval(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where pid = $1 and backend_start = $2",
            held["session"],
            held["session_began"],
        )
        if ended is False:
            return None
    term: int | None = await session.fetchval(
        """
        update lease
        set term = term + 1, holder = $2, session = pg_backend_pid(),
            session_began = (select backend_start from pg_stat_activity where pid = pg_backend_pid()),
            until = clock_timestamp() + make_interval(secs => $3)
        where term = $1
        returning term
        """,
        held["term"],
        holder,
        seconds,
    )
    return term


async def renew(session: Any, term: int, seconds: float) -> None:
    """Keep the lease of `term` for another `seconds`. Raises LeaseLost where a later term has begun."""
    kept = await session.execute(
        "update lease set until = clock_timestamp() + make_interval(secs => $2) where term = $1", term, seconds
    )
    if kept == "UPDATE 0":
        raise LeaseLost(f"term {term} is over")
