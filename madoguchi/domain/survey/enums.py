"""Words of the tables."""

from __future__ import annotations

from django.db import models


class Way(models.TextChoices):
    """How somebody came to the questions."""

    POSTER = "poster", "掲示・番号札のQRコード"
    KIOSK = "kiosk", "出口のタブレット"
    MAIL = "mail", "来庁後のメール"
