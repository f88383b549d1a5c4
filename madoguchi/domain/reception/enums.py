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


class Source(models.TextChoices):
    """How a ticket came into the system."""

    LIVE = "live", "その場で"
    TABLET = "tablet", "つながらない間の端末"
    PAPER = "paper", "紙"


class LateVerb(models.TextChoices):
    """What a tablet can do without a connection."""

    ISSUE = "issue", "番号札を出した"
    CALL = "call", "呼び出した"
    MISSED = "missed", "呼び出しに応じなかった"
    BEGIN = "begin", "応対を始めた"
    HOLD = "hold", "保留にした"
    FINISH = "finish", "手続きを終えた"
    END = "end", "手続きをせずに終えた"


class LateState(models.TextChoices):
    """Where a deed of a tablet stands: done, in question, behind a deed in question, or set aside by somebody."""

    DONE = "done", "記録した"
    CLASH = "clash", "確認が必要"
    BEHIND = "behind", "確認を待つ"
    ASIDE = "aside", "記録しないと決めた"


class Clash(models.TextChoices):
    """Why a deed of a tablet could not be done as it was."""

    NUMBER = "number", "番号が重なっている"
    TICKETED = "ticketed", "予約に番号札が出ている"
    BOOKING = "booking", "予約が変わっている"
    DAY = "day", "その日は締まっている"
    TICKET = "ticket", "番号の状態が変わっている"
    WINDOW = "window", "窓口が使われている"
    OTHER = "other", "そのままでは記録できない"


class Choice(models.TextChoices):
    """What somebody decides about a deed in question."""

    AGAIN = "again", "もう一度記録してみる"
    RENUMBER = "renumber", "新しい番号にして記録する"
    SAME = "same", "同じ方として、先の番号札に続ける"
    WALK_IN = "walk_in", "予約のない方として記録する"
    RECORD = "record", "その日の記録に加える"
    FREE_WINDOW = "free_window", "空いている窓口の番号で記録する"
    ASIDE = "aside", "先にある記録を残し、これは記録しない"


class TerminalKind(models.TextChoices):
    """What a public screen is for."""

    MACHINE = "machine", "受付機（番号札の発券）"
    DISPLAY = "display", "呼び出しの画面"
