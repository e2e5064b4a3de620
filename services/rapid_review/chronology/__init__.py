"""The combined chronology: the agencies' returns of one review merged into one, pure."""
