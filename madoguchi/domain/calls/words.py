"""Purposes of the sealed columns, and the callers' numbers in their one form."""

from __future__ import annotations

from typing import Final

from madoguchi.ground.kit import phones

NUMBER: Final = "calls.number"
EVENT: Final = "calls.event"
CONTACT: Final = "calls.contact"
CALLBACK: Final = "calls.callback"
ESCALATION: Final = "calls.escalation"
STEP: Final = "calls.step"


def plain_number(text: str) -> str:
    """A number as bookings keep it (``0XXXXXXXXX``), so that caller and booking meet; what is no Japanese number stays as it came."""
    try:
        return phones.normalise(text)
    except phones.PhoneError:
        return "".join(c for c in text if c.isdigit() or c == "+")[:24]
