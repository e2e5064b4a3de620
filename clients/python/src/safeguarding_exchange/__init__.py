"""The Safeguarding Exchange for those outside it: what `sx` is made of. Imports nothing of the services."""
