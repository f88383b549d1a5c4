"""Reads of calls, by noun."""
