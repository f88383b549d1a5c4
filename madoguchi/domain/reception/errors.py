"""Refusals of deeds."""

from __future__ import annotations

from .enums import Clash


class ReceptionRefused(Exception):
    """A deed that was not done; the message says in Japanese why, and what to do next. Nothing was changed.

    ``clash`` tells what a deed that comes later met; live deeds do not ask for it.
    """

    def __init__(self, message: str, clash: Clash = Clash.OTHER) -> None:
        super().__init__(message)
        self.clash = clash
