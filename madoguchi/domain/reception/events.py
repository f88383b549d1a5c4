"""What the reception tells the apps above it, inside the transaction of the deed. A receiver that raises undoes the deed."""

from __future__ import annotations

from django.dispatch import Signal

party_begun = Signal()
"""A party sits at a window: ``contract``, ``ticket``, ``user`` (who serves; None: it is not known), ``by``, ``now``."""

procedures_finishing = Signal()
"""Procedures of a party are about to count as done: ``contract``, ``ticket``, ``procedures`` (codes), ``user``, ``by``, ``now``;
``told_later``: it happened without the system.

A receiver refuses it by raising :class:`.errors.ReceptionRefused`, and answers False when it knows that nobody of the party got anything done.
"""

ticket_closed = Signal()
"""A visit has got its outcome: ``contract``, ``ticket``, ``outcome``, ``by``, ``now``."""
