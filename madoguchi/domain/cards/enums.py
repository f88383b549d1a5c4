"""Words of the tables."""

from __future__ import annotations

from django.db import models


class State(models.TextChoices):
    """What has been done with a card."""

    REGISTERED = "registered", "設定待ち"
    SET_UP = "set_up", "確認待ち"
    CHECKED = "checked", "通知待ち"
    NOTIFIED = "notified", "通知済み"
    RENOTIFIED = "renotified", "再通知済み"
    PROPOSED = "proposed", "廃棄の承認待ち"
    ISSUED = "issued", "交付済み"
    RETURNED = "returned", "返戻済み"
    DISPOSED = "disposed", "廃棄済み"


class Spot(models.TextChoices):
    """The kind of place where a card lies."""

    TRAY = "tray", "作業トレイ"
    SLOT = "slot", "キャビネット"
    PICK = "pick", "交付トレイ"
    LOST = "lost", "所在不明"
    GONE = "gone", "手元にない"


class MoveKind(models.TextChoices):
    """What happened to a card."""

    REGISTERED = "registered", "登録した"
    SET_UP = "set_up", "交付前設定をした"
    PASSED = "passed", "設定を確認した"
    FAILED = "failed", "設定を差し戻した"
    NOTIFIED = "notified", "交付通知を送った"
    RENOTIFIED = "renotified", "再通知を送った"
    PUT = "put", "格納した"
    LAID_OUT = "laid_out", "棚から出した"
    PICKED = "picked", "交付のために取り出した"
    LOST = "lost", "所在不明とした"
    ISSUED = "issued", "交付した"
    RETURNED = "returned", "返戻した"
    PROPOSED = "proposed", "廃棄を提案した"
    REJECTED = "rejected", "廃棄を認めなかった"
    DISPOSED = "disposed", "廃棄した"
    TAKEN_BACK = "taken_back", "記録を取り消した"
    LINKED = "linked", "予約と結び付けた"
    UNLINKED = "unlinked", "予約から外した"


class Reason(models.TextChoices):
    """Why a card is returned or destroyed."""

    EXPIRED = "expired", "受取期限を過ぎた"
    MOVED_OUT = "moved_out", "転出した"
    DECEASED = "deceased", "死亡した"
    WITHDRAWN = "withdrawn", "申請を取り下げた"
    FAULTY = "faulty", "券面・ICの不良"
    OTHER = "other", "その他"


class Fault(models.TextChoices):
    """What a check of a setup found."""

    FACE = "face", "券面の記載が違う"
    CHIP = "chip", "ICチップを読めない"
    SETTING = "setting", "設定が済んでいない"
    LABEL = "label", "ラベルが違う"
    OTHER = "other", "その他"


class SetupStatus(models.TextChoices):
    """Where the setup of one card in a batch stands."""

    PLANNED = "planned", "未着手"
    WORKED = "worked", "確認待ち"
    PASSED = "passed", "完了"
    FAILED = "failed", "差戻し"


class DifferenceKind(models.TextChoices):
    """How the shelf and the record differ."""

    MISSING = "missing", "見つからない"
    WRONG_PLACE = "wrong_place", "別の箱にある"
    UNEXPECTED = "unexpected", "ここにない記録のカードがある"
    UNKNOWN = "unknown", "登録のないカードがある"


class Resolution(models.TextChoices):
    """How a difference was settled."""

    AS_RECORDED = "as_recorded", "記録の場所にあった・戻した"
    RECORD_CHANGED = "record_changed", "記録を実際の場所に直した"
    REPORTED = "reported", "所在不明・不明なカードとして市へ報告した"
