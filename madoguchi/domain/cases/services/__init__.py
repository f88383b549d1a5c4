"""Deeds of cases."""
