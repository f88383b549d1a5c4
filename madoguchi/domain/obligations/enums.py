"""Words of obligations."""

from __future__ import annotations

from django.db import models


class Source(models.TextChoices):
    """Where an evidence comes from."""

    HAND = "hand", "入力"
    FACT = "fact", "作業の記録"
    MEASURE = "measure", "集計"
