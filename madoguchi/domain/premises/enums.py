"""States and kinds of the rooms of the counter."""

from django.db import models


class Kind(models.TextChoices):
    """When a checklist is gone through."""

    OPENING = "opening", "始業"
    CLOSING = "closing", "終業"
    WEEKLY = "weekly", "週1回"


class Result(models.TextChoices):
    """What came of an item."""

    DONE = "done", "済み"
    IMPOSSIBLE = "impossible", "できない"


class Why(models.TextChoices):
    """Why an item was not possible."""

    BROKEN = "broken", "機器の故障"
    SYSTEM = "system", "システムの停止・メンテナンス"
    STOCK = "stock", "在庫がない"
    CITY = "city", "市の都合"
    OTHER = "other", "その他（メモに書く）"


class Standing(models.TextChoices):
    """How a checklist stands at a moment."""

    NONE = "none", "予定なし"
    COMING = "coming", "これから"
    BEGUN = "begun", "途中"
    LATE = "late", "遅れ"
    DONE = "done", "済み"
    DONE_LATE = "done_late", "遅れて済み"


class Holder(models.TextChoices):
    """What papers are kept in."""

    BOX = "box", "箱"
    BAG = "bag", "袋"


class Unit(models.TextChoices):
    """How the volume of papers is said."""

    SHEETS = "sheets", "枚"
    KG = "kg", "kg"
    BOXES = "boxes", "箱分"


class Stage(models.TextChoices):
    """Where a day of destroying papers stands."""

    PLANNED = "planned", "予定"
    COLLECTED = "collected", "回収済み（確認待ち）"
    DESTROYED = "destroyed", "廃棄済み"
    CANCELLED = "cancelled", "取りやめ"


class OutingStage(models.TextChoices):
    """Where a day at another place stands."""

    PLANNED = "planned", "予定"
    REPORTED = "reported", "結果を入力済み"
    HANDED_OVER = "handed_over", "市へ引き渡し済み"
    CANCELLED = "cancelled", "中止"
