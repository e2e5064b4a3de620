"""Gives each agency its own feed, with nothing in it that is not its own."""
