"""Deeds of booking, by noun: ``reserve`` (new ones, holds), ``change`` (move, add, remove, cancel), ``marks`` (the day), ``slots`` (plans)."""
