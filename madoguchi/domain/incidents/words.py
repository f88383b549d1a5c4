"""Purposes of the sealed columns."""

from __future__ import annotations

from typing import Final

INCIDENT: Final = "incidents.incident"
LINE: Final = "incidents.line"
PREVENTION: Final = "incidents.prevention"
LEGAL: Final = "incidents.legal"
