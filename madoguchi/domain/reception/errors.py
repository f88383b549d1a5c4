"""Refusals of deeds."""

from __future__ import annotations


class ReceptionRefused(Exception):
    """A deed that was not done; the message says in Japanese why, and what to do next. Nothing was changed."""
