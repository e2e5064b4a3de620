"""Ports: free ones for tests, and a plain sentence for one that somebody else holds."""

import socket
import time
from collections.abc import Callable

import psutil

from infra.local.failures import CannotStart

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports that nobody listens on just now."""
    held = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for one in held:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def require_free(port: int, what: str, setting: str) -> None:
    """Raises CannotStart when `port`, wanted for `what`, is taken; `setting` is what moves it elsewhere."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a connection of the last run that lingers in TIME_WAIT is no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            holder = _holder(port)
            raise CannotStart(
                f"Port {port}, which {what} needs, is taken{holder}:"
                f" stop what holds it, or choose others with {setting}."
            ) from error


def _holder(port: int) -> str:
    """Whose port it is, where the system lets us know."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            listens_here = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens_here and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return ""
    return ""


def answers(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def wait_until_answers(port: int, seconds: float, *, alive: Callable[[], bool]) -> bool:
    """Whether `port` answered within `seconds`; gives up at once when what should answer has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answers(port):
            return True
        if not alive():
            return False
        time.sleep(0.05)
    return False
