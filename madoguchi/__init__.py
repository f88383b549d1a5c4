"""Madoguchi: contract work around the My Number Card for Japanese municipalities. See docs/architecture.md."""

__version__ = "0.1.0"
