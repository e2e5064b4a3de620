"""What could tell who a report is about: found by a scanner that assists, for two people who decide."""

from services.rapid_review.redaction.apart import scanned_apart
from services.rapid_review.redaction.document import UNREADABLE, Document, Part, Unreadable
from services.rapid_review.redaction.finding import Finding
from services.rapid_review.redaction.known import Age, Known
from services.rapid_review.redaction.scanning import Scanned, counts, failed, scan, scan_document

__all__ = [
    "UNREADABLE",
    "Age",
    "Document",
    "Finding",
    "Known",
    "Part",
    "Scanned",
    "Unreadable",
    "counts",
    "failed",
    "scan",
    "scan_document",
    "scanned_apart",
]
