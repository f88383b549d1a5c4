"""Templates, messages and the log of attempts."""

from __future__ import annotations

from django.db import models

from madoguchi.ground.contracts.tenancy import TenantModel


class Kind(models.TextChoices):
    """Kinds of notice to residents, whose wording the city edits."""

    CREATED = "created", "予約完了"
    CHANGED = "changed", "変更完了"
    CANCELLED = "cancelled", "取消完了"
    REMINDER = "reminder", "前日のお知らせ"
    AFFECTED = "affected", "臨時閉庁等のお知らせ"
    OFFER = "offer", "早い日時の案内"


class Medium(models.TextChoices):
    """The way a notice takes."""

    MAIL = "mail", "メール"
    SMS = "sms", "SMS"
    LINE = "line", "LINE"


class StaffKind(models.TextChoices):
    """Kinds of notice to staff: in Japanese, without personal data; their wording is shipped and not edited."""

    LIST_READY = "list_ready", "一覧の受け渡し（担当者あて）"
    STOP_PLANNED = "stop_planned", "サイトの停止の予定（市職員あて）"
    STOP_CHANGED = "stop_changed", "サイトの停止の変更（市職員あて）"
    STOP_DROPPED = "stop_dropped", "サイトの停止の取りやめ（市職員あて）"
    ESCALATED = "escalated", "二次対応の引き継ぎ（市職員あて）"
    COMPLAINT = "complaint", "苦情・トラブルの報告（市職員あて）"
    SECOND_LATE = "second_late", "期限を過ぎた二次対応（担当する方あて）"
    BACK_LATE = "back_late", "期限を過ぎた折り返し（リーダー・業務責任者あて）"
    LIST_LATE = "list_late", "遅れている点検表（リーダー・業務責任者あて）"
    PHOTO_LOST = "photo_lost", "届かなかった顔写真（リーダー・業務責任者あて）"
    INVOICE_LATE = "invoice_late", "支払期限を過ぎた請求書（業務責任者あて）"
    DUTY_DUE = "duty_due", "期限が近い・過ぎた契約上の義務（担当する方あて）"
    ASKED = "asked", "市の確認をお願いするもの（市職員あて）"
    ANSWERED = "answered", "市の回答（業務責任者・リーダーあて）"
    INCIDENT = "incident", "事故・障害・苦情などの報告（知らせる方あて）"


class TicketKind(models.TextChoices):
    """Kinds of notice to who waits at the counter or was there; their wording is shipped and not edited."""

    NEAR = "near", "順番が近いお知らせ"
    SURVEY = "survey", "アンケートのお願い（来庁の翌日）"


class Template(TenantModel):
    """The city's own wording of a notice; where none exists the shipped wording is used."""

    kind = models.CharField(max_length=12, choices=Kind.choices)
    language = models.CharField(max_length=10)
    subject = models.CharField("件名", max_length=120)
    body = models.TextField("本文")
    edited_at = models.DateTimeField()
    edited_by = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "kind", "language"], name="notice_template")]


class Message(TenantModel):
    """One notice. States: queued → sending → sent (→ bounced), back to queued for another try, failed after the last
    one, dropped when its reason is gone.

    ``detail`` holds no personal data; ``instead`` in it is the way taken once the message's own way has failed for good.
    ``claimed_by`` and ``lease_until`` (real time) name the worker that has it in hand while it is ``sending``.
    ``due_at`` moves with every further try; ``about_at``, the visit a reminder is about, does not.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "送信待ち"
        SENDING = "sending", "送信中"
        SENT = "sent", "送信済み"
        FAILED = "failed", "送信できず"
        BOUNCED = "bounced", "不達"
        DROPPED = "dropped", "取りやめ"

    ref = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=Kind.choices + StaffKind.choices + TicketKind.choices)
    medium = models.CharField(max_length=4, choices=Medium.choices, default=Medium.MAIL, db_default=Medium.MAIL)
    language = models.CharField(max_length=10)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    due_at = models.DateTimeField()
    about_at = models.DateTimeField(null=True, blank=True)
    attempts = models.SmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    detail = models.JSONField(null=True, blank=True)
    claimed_by = models.CharField(max_length=80, null=True, blank=True)  # noqa: DJ001 - rows are also made by SQL
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["contract", "claimed_by"], name="message_in_hand", condition=models.Q(state="sending")
            ),
            models.Index(fields=["contract", "due_at"], name="message_due", condition=models.Q(state="queued")),
            models.Index(fields=["contract", "ref"], name="message_by_ref"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "ref", "about_at"], name="one_reminder", condition=models.Q(kind="reminder")
            ),
        ]


class Attempt(TenantModel):
    """One try to deliver a message: when, and what the server said (never the address)."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=10)
    answer = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["contract", "message"], name="attempt_by_message")]


class PlannedStop(TenantModel):
    """A time in which residents cannot use the site, announced from ``announce_at`` on."""

    announce_at = models.DateTimeField("お知らせの始まり")
    starts_at = models.DateTimeField("始まり")
    ends_at = models.DateTimeField("終わり")
    reason = models.CharField("理由", max_length=120)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=80)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at"), announce_at__lte=models.F("starts_at")),
                name="planned_stop_order",
                violation_error_message="お知らせ・始まり・終わりは、この順にしてください。",
            )
        ]
