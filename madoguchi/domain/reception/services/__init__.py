"""Deeds of the reception."""
