"""Words of the tables."""

from __future__ import annotations

from django.db import models


class Direction(models.TextChoices):
    """Who called whom."""

    IN = "in", "着信"
    BACK = "back", "折り返し"


class Outcome(models.TextChoices):
    """What became of a call; see ``fold.py`` for how it is decided."""

    OPEN = "open", "通話・待機中"
    ANSWERED = "answered", "応答"
    ABANDONED = "abandoned", "待機中に放棄"
    ABANDONED_MENU = "abandoned_menu", "案内中に切断"
    OVERFLOWED = "overflowed", "自動応答"
    CALLBACK = "callback", "折り返し希望"
    CLOSED = "closed", "時間外案内"
    LOST = "lost", "不明（システム障害）"


UNANSWERED = frozenset({Outcome.ABANDONED, Outcome.ABANDONED_MENU, Outcome.OVERFLOWED, Outcome.CALLBACK, Outcome.LOST})
"""Calls in opening hours that nobody spoke with."""


class Source(models.TextChoices):
    """How somebody reached the centre."""

    PHONE = "phone", "電話"
    RELAY = "relay", "電話リレーサービス"
    FAX = "fax", "FAX"
    BACK = "back", "折り返しの電話"
    OTHER = "other", "その他"


class Topic(models.TextChoices):
    """What a conversation was about."""

    BOOK = "book", "予約の申込み"
    CHANGE = "change", "予約の変更"
    CANCEL = "cancel", "予約の取消し"
    CONFIRM = "confirm", "予約の確認"
    BRING = "bring", "持ち物・必要書類"
    PICKUP = "pickup", "カードの受取り・交付状況"
    APPLY = "apply", "カードの申請"
    CERTIFICATE = "certificate", "電子証明書の更新・発行"
    CARD = "card", "カードの更新"
    PIN = "pin", "暗証番号"
    LOST = "lost", "紛失・盗難・一時停止"
    MOVED = "moved", "引越し・氏名の変更"
    ONLINE = "online", "オンライン申請・マイナポータルの操作"
    HOURS = "hours", "窓口の場所・時間"
    COMPLAINT = "complaint", "苦情・ご意見"
    OTHER = "other", "その他"


class Result(models.TextChoices):
    """How a conversation ended for the caller."""

    SOLVED = "solved", "回答して終了"
    BOOKED = "booked", "予約を受け付けた"
    CHANGED = "changed", "予約を変更した"
    CANCELLED = "cancelled", "予約を取り消した"
    CALL_AGAIN = "call_again", "折り返しを約束した"
    ESCALATED = "escalated", "二次対応へ引き継いだ"
    REFERRED = "referred", "ほかの窓口を案内した"
    WRONG = "wrong", "間違い電話・無言"


class CallbackEnd(models.TextChoices):
    """How a call-back ended."""

    REACHED = "reached", "話せた"
    CALLED_AGAIN = "called_again", "本人から電話があった"
    GIVEN_UP = "given_up", "つながらず終了"
    NEEDLESS = "needless", "不要になった"


class TryOutcome(models.TextChoices):
    """What a try to call back came to."""

    REACHED = "reached", "話せた"
    NO_ANSWER = "no_answer", "応答なし"
    BUSY = "busy", "話し中"
    MESSAGE = "message", "留守番電話に伝言"
    WRONG = "wrong", "番号違い"


class Line(models.TextChoices):
    """Who has to act on an escalation."""

    SUPERVISOR = "supervisor", "業務責任者・リーダー"
    CITY = "city", "市"


class StepKind(models.TextChoices):
    """What happened to an escalation."""

    OPENED = "opened", "引き継いだ"
    TAKEN = "taken", "担当した"
    TO_CITY = "to_city", "市へ引き継いだ"
    BACK = "back", "センターへ戻した"
    NOTED = "noted", "記録した"
    CALLED = "called", "本人へ連絡した"
    CLOSED = "closed", "完了した"
