"""The Safeguarding Exchange for those outside it: the partner library, and what `sx` is made of.

Imports nothing of the services. An agency's own system begins with `Connection`, `Publisher`, `OfflineQueue` and
`Subscriber`, each in the module named for what it does.
"""
