"""Kinds of packages and states of an erasure."""

from enum import StrEnum

from django.db import models


class Variant(models.TextChoices):
    """What a package holds."""

    FULL = "full", "個人情報あり（市へ返還）"
    FIGURES = "figures", "個人情報なし（業務の記録と数字）"


class Stage(models.TextChoices):
    """Where an erasure stands. It is run by the worker from ``TABLES`` on, and cannot be called off any more."""

    ASKED = "asked", "市の承認待ち"
    WAITING = "waiting", "待機期間"
    TABLES = "tables", "消去中"
    DONE = "done", "消去済み"
    CALLED_OFF = "called_off", "取りやめ"


class Kind(StrEnum):
    """What a column that can hold text holds."""

    PLAIN = "plain"
    STAFF = "staff"
    PERSONAL = "personal"
    NUMBER = "number"
    INDEX = "index"
    HIDDEN = "hidden"
    FILE = "file"
