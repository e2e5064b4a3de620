"""The whole stack, for those tests here that need it running."""

from tests.whole_stack.conftest import connection, exchange

__all__ = ["connection", "exchange"]
