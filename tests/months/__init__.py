"""Whole months of a counter, run through the services."""
