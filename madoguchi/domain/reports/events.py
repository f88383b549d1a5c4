"""What reports tell the apps above, inside the transaction of the deed. A receiver that raises undoes the deed."""

from __future__ import annotations

from django.dispatch import Signal

accepted = Signal()
"""The city accepted a report: ``contract``, ``report`` (the row), ``period`` (:class:`.queries.Period`), ``by``, ``now``."""
