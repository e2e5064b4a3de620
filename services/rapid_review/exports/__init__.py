"""Copies of a review: its report, its chronology, the request to an agency, and the advance copy of its publication."""
