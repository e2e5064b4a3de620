"""Copies of a notification: JSON, CSV and PDF, from one document."""
