"""Deeds in the rooms of the counter."""
