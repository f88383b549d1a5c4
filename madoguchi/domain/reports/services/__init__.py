"""Deeds: counting days (``days``), reports (``documents``), forms (``forms``), requests for a correction (``requests``)."""
