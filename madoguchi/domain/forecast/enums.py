"""Words of the tables."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    """What expires."""

    CARD = "card", "カード"
    CERTIFICATE = "certificate", "電子証明書"
