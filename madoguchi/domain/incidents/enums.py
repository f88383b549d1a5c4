"""Words of the tables."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    """What sort of thing went wrong. The codes are those of the profile (``IncidentKind``)."""

    ACCIDENT = "accident", "事故・けが"
    FAULT = "fault", "システム・機器の障害"
    PERSONAL_DATA = "personal_data", "個人情報の漏えい・紛失等"
    MISTAKE = "mistake", "事務誤り・誤案内"
    COMPLAINT = "complaint", "苦情・トラブル"
    DISASTER = "disaster", "災害"


class Seriousness(models.TextChoices):
    """How bad it is, as judged by who reports it."""

    MINOR = "minor", "軽微（その場で収まった）"
    SERIOUS = "serious", "通常（対応が必要）"
    GRAVE = "grave", "重大（被害・漏えい・業務の停止）"


class State(models.TextChoices):
    """How far an incident is."""

    REPORTED = "reported", "報告済み・未確認"
    ACKNOWLEDGED = "acknowledged", "確認済み"
    INVESTIGATING = "investigating", "調査・対応中"
    WRITTEN = "written", "書面で報告済み"
    CLOSED = "closed", "終結"


OPEN = (State.REPORTED, State.ACKNOWLEDGED, State.INVESTIGATING, State.WRITTEN)
"""Not closed."""
UNWRITTEN = (State.REPORTED, State.ACKNOWLEDGED, State.INVESTIGATING)
"""The report can still be worked on."""


class LineKind(models.TextChoices):
    """What a line of the timeline tells."""

    REPORTED = "reported", "報告した"
    CALLED = "called", "知らせた"
    SEEN = "seen", "見た"
    ACKNOWLEDGED = "acknowledged", "確認した"
    BEGUN = "begun", "調査・対応を始めた"
    NOTED = "noted", "経過"
    SORTED = "sorted", "種類・重大さなどを直した"
    STATED = "stated", "原因・対応を書いた"
    PREVENTED = "prevented", "再発防止策を決めた"
    PREVENTION_DONE = "prevention_done", "再発防止策を行った"
    EFFECT = "effect", "効果を確かめた"
    LEGAL = "legal", "法令上の手続きを記録した"
    WRITTEN = "written", "書面で報告した"
    RETURNED = "returned", "差し戻した"
    CLOSED = "closed", "終結を認めた"
    REOPENED = "reopened", "再開した"


class LegalResult(models.TextChoices):
    """What became of a legal step."""

    DONE = "done", "行った"
    NOT_NEEDED = "not_needed", "不要と判断"


class Effect(models.TextChoices):
    """Whether a prevention works, as looked at later."""

    WORKS = "works", "効果あり"
    FAILS = "fails", "効果が足りない"
