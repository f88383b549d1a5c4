"""States and kinds of booking."""

from django.db import models


class State(models.TextChoices):
    """Life of a booking. Arrival and no-show are marks of the day, not states."""

    HELD = "held", "仮押さえ"
    BOOKED = "booked", "予約済み"
    CANCELLED = "cancelled", "取消済み"
    EXPIRED = "expired", "期限切れ"


LIVE = (State.HELD, State.BOOKED)


class EventKind(models.TextChoices):
    """Lines of a booking's history."""

    HELD = "held", "仮押さえ"
    CREATED = "created", "新規"
    CHANGED = "changed", "変更"
    MOVED = "moved", "日時変更"
    ADDED = "added", "人数追加"
    REMOVED = "removed", "人数減"
    CANCELLED = "cancelled", "取消"
    EXPIRED = "expired", "期限切れ"
    ATTENDED = "attended", "来庁"
    NO_SHOW = "no_show", "不来庁"
    AFFECTED = "affected", "枠の変更による影響"
    SETTLED = "settled", "影響の解消"
    WAITING = "waiting", "早い日時の空き待ち"
    OFFERED = "offered", "早い日時の案内"


class Answer(models.TextChoices):
    """How an offer of an earlier time ended."""

    ACCEPTED = "accepted", "この日時に変えた"
    DECLINED = "declined", "見送り"
    MISSED = "missed", "返事なし"
    WITHDRAWN = "withdrawn", "取りやめ"


class WaitingEnd(models.TextChoices):
    """How waiting for an earlier time ended."""

    ACCEPTED = "accepted", "早い日時に変えた"
    STOPPED = "stopped", "待つのをやめた"
    MISSED = "missed", "返事がないため終了"
    OVER = "over", "予約の取消し・日時の経過"


class WalkInOutcome(models.TextChoices):
    """How the visit of a party without a booking ended."""

    SERVED = "served", "受け付けた"
    BOOKED = "booked", "予約を入れて帰られた"
    REFERRED = "referred", "ほかの窓口・日を案内した"
    LEFT = "left", "受け付けずに帰られた"


class FileForm(models.TextChoices):
    """Forms in which a list leaves the system."""

    CSV = "csv", "CSV（UTF-8）"
    CP932 = "cp932", "CSV（Shift_JIS）"
    XLSX = "xlsx", "Excel"


class Rhythm(models.TextChoices):
    """On which days a standing order falls due."""

    BUSINESS_DAYS = "business_days", "開庁日ごと"
    WEEKDAYS = "weekdays", "曜日を決めて"
    MONTH_DAY = "month_day", "毎月の日を決めて"


class VisitState(models.TextChoices):
    """States of a booking of the city's own site."""

    BOOKED = "booked", "予約済み"
    ARRIVED = "arrived", "来庁済み"
    NO_SHOW = "no_show", "不来庁"
    CANCELLED = "cancelled", "取消済み"
