"""The vault: everything that could name or describe a person, and the record of every look at it."""
