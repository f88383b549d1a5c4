"""Words of the tables."""

from __future__ import annotations

from django.db import models


class State(models.TextChoices):
    """Where a case stands as a whole."""

    ACTIVE = "active", "対応中"
    INTERRUPTED = "interrupted", "中断中"
    ENDED = "ended", "終了"


class Side(models.TextChoices):
    """Who has to act; :class:`.rules.Line` as a column."""

    COUNTER = "counter", "窓口"
    CITY = "city", "市"


class End(models.TextChoices):
    """How a case ended."""

    DONE = "done", "完了"
    SENT_HOME = "sent_home", "書類不足でお帰り"
    REFUSED = "refused", "市の判断で不可"
    GIVEN_UP = "given_up", "本人が取りやめ"
    MOVED = "moved", "ほかの窓口へ"
    VOID = "void", "誤って開いた"


class MoveKind(models.TextChoices):
    """What happened to a case."""

    OPENED = "opened", "開いた"
    TAKEN = "taken", "担当した"
    DONE = "done", "手順を終えた"
    HANDED = "handed", "市へ引き渡した"
    ANSWERED = "answered", "市が回答した"
    INTERRUPTED = "interrupted", "中断した"
    RESUMED = "resumed", "再開した"
    NOTED = "noted", "メモを残した"
    UNDONE = "undone", "一つ戻した"
    ENDED = "ended", "終えた"
    RECORDED = "recorded", "紙などで済んだと記録した"
    CARD = "card", "渡したカードを記録した"


class Spent(models.TextChoices):
    """What the time since the move before was."""

    NONE = "none", "なし"
    IDLE = "idle", "担当待ち"
    WORK = "work", "窓口の対応"
    CITY_WAIT = "city_wait", "市の着手待ち"
    CITY_WORK = "city_work", "市の審査"
    PAUSE = "pause", "中断"


class Pause(models.TextChoices):
    """Why a case was interrupted."""

    DOCUMENTS = "documents", "書類を取りに戻る"
    PERSON = "person", "本人の都合"
    COMPANION = "companion", "代理人・同席者を待つ"
    SYSTEM = "system", "システムの停止"
    CLOSING = "closing", "業務時間の終わり"
    OTHER = "other", "そのほか"


class VersionState(models.TextChoices):
    """Where a version of a flow stands."""

    PROPOSED = "proposed", "市の承認待ち"
    APPROVED = "approved", "承認済み"
    TURNED_DOWN = "turned_down", "取り下げ・差し戻し"
