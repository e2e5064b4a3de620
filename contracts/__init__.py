"""The public language of the exchange: models, rules and the access decision, and no I/O."""
