"""Deeds of the handover."""
