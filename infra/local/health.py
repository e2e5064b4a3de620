"""Asking processes how they stand, until all are ready."""

import time
from collections.abc import Callable, Mapping

import httpx

POLL_SECONDS = 0.2


def wait_until_ready(urls: Mapping[str, str], seconds: float, told: Callable[[str], None]) -> dict[str, str]:
    """What still fails after `seconds`, by name and in a sentence; empty when all answered 200 on /health/ready.

    `told` hears the name of each as it becomes ready.
    """
    until = time.monotonic() + seconds
    waiting = dict.fromkeys(urls, "has not answered")
    with httpx.Client(timeout=5) as http:
        while True:
            for name in list(waiting):
                fault = fault_of(http, urls[name])
                if fault is None:
                    del waiting[name]
                    told(name)
                else:
                    waiting[name] = fault
            if not waiting or time.monotonic() > until:
                return waiting
            time.sleep(POLL_SECONDS)


def fault_of(http: httpx.Client, url: str) -> str | None:
    """Why the process at `url` is not ready, or None when it is."""
    try:
        answer = http.get(f"{url}/health/ready")
    except httpx.HTTPError as error:
        return f"does not answer ({type(error).__name__})"
    if answer.status_code == 200:
        return None
    try:
        components = answer.json()["components"].items()
        failed = [f"{name}: {one['detail'] or one['status']}" for name, one in components if one["status"] == "failed"]
    except (ValueError, KeyError, AttributeError, TypeError):
        failed = []
    return f"answers {answer.status_code}" + (f" ({'; '.join(failed)})" if failed else "")
