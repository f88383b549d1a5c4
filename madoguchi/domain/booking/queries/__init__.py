"""Reads of bookings, by use."""
