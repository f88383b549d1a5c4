"""What incidents tell the apps above, inside the transaction of the deed. A receiver that raises undoes the deed."""

from __future__ import annotations

from django.dispatch import Signal

classified = Signal()
"""An incident was reported, or its kind or seriousness put right: ``contract``, ``incident``, ``by``, ``now``."""
acknowledged = Signal()
"""Somebody who ends the calls knows of it: ``contract``, ``incident``, ``by``, ``now``."""
written = Signal()
"""It was reported in writing: ``contract``, ``incident``, ``by``, ``now``."""
