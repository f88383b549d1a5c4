"""Deeds of the stock, by noun."""
