"""Words of the tables."""

from __future__ import annotations

from django.db import models


class Stay(models.TextChoices):
    """What a period is, and the state of an open ticket."""

    WAIT = "wait", "待ち"
    WALK = "walk", "呼び出し中"
    SERVE = "serve", "応対中"
    HOLD = "hold", "保留"


class Outcome(models.TextChoices):
    """How a visit ended; exactly one for each ticket."""

    SERVED = "served", "手続きを終えた"
    REFERRED = "referred", "ほかの窓口・日を案内した"
    MISSED = "missed", "呼び出しに応じなかった"
    LEFT = "left", "手続きをせずに帰られた"


class Need(models.TextChoices):
    """What a visitor needs at the window. Recorded as a need of the visit, never with a name."""

    WRITING = "writing", "筆談"
    SIGN = "sign", "手話"
    READING = "reading", "代読・代筆"
    WHEELCHAIR = "wheelchair", "車いす"
    INTERPRETATION = "interpretation", "通訳"
    QUIET = "quiet", "静かな場所"


class TerminalKind(models.TextChoices):
    """What a public screen is for."""

    MACHINE = "machine", "受付機（番号札の発券）"
    DISPLAY = "display", "呼び出しの画面"
