"""Deeds of calls, by noun: ``record`` (events), ``contacts``, ``callbacks``, ``escalations``."""
