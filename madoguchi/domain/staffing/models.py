"""The assumptions of a contract's telephone staffing."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from madoguchi.ground.contracts.tenancy import TenantModel

from .rules import HALF_HOURS, LIMITS, Assumptions


class SavedAssumptions(TenantModel):
    """What staff have set in the place of what the profile says; one row per contract at most. Fields as in ``rules.Assumptions``."""

    calls_per_month = models.IntegerField("月の入電件数")
    handle_seconds = models.SmallIntegerField("平均処理時間（秒）")
    patience_seconds = models.SmallIntegerField("待てる時間の平均（秒）")
    answer_percent = models.SmallIntegerField("応答率の目標（％）")
    service_percent = models.SmallIntegerField("決めた秒数以内に応答する割合の目標（％）")
    service_seconds = models.SmallIntegerField("決めた秒数")
    operators = models.SmallIntegerField("配置する人数")
    channels = models.SmallIntegerField("回線数")
    waiting_places = models.SmallIntegerField("待ち呼の数")
    half_hours = ArrayField(models.SmallIntegerField(), verbose_name="時間帯の割合")
    weekdays = ArrayField(models.SmallIntegerField(), verbose_name="曜日の割合")
    edited_at = models.DateTimeField()
    edited_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract"], name="staffing_once", violation_error_message="見積もりの前提は契約に1つです。"
            ),
            models.CheckConstraint(
                condition=Q(**{f"{name}__range": limits for name, limits in LIMITS.items()}),
                name="staffing_limits",
                violation_error_message="前提の数が、入れられる範囲を外れています。",
            ),
            models.CheckConstraint(
                condition=Q(half_hours__len=HALF_HOURS, weekdays__len=7),
                name="staffing_weights",
                violation_error_message="時間帯の割合は48個、曜日の割合は7個です。",
            ),
        ]

    @property
    def values(self) -> Assumptions:
        """The same as a plain value."""
        return Assumptions(
            **{name: getattr(self, name) for name in LIMITS},
            half_hours=tuple(self.half_hours),
            weekdays=tuple(self.weekdays),
        )
