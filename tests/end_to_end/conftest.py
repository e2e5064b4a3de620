"""The whole stack, for those tests here that need it running."""

from tests.whole_stack.conftest import exchange

__all__ = ["exchange"]
