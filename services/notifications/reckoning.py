"""A recorded reckoning as a sentence for people."""

from contracts.deadlines import Reckoned
from shared.deadlines import reckoning_of


def sentence(reckoned: Reckoned) -> str:
    """`aware Fri 28 Aug 2026 00:10 BST; Mon 31 Aug is Summer bank holiday; due end of Mon 7 Sep 2026`."""
    return reckoning_of(reckoned).sentence()
