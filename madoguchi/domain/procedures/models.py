"""Procedures of a contract and the texts the city edits."""

from __future__ import annotations

from django.db import models

from madoguchi.ground.contracts.tenancy import TenantModel


class Procedure(TenantModel):
    """A procedure offered under the contract. ``minutes`` is the length of one person's visit."""

    code = models.SlugField(max_length=40)
    legal_name = models.CharField("正式名称", max_length=80)
    minutes = models.SmallIntegerField("所要時間（分）")
    bookable = models.BooleanField("Web予約できる", default=True)
    position = models.SmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "code"], name="procedure_code"),
            models.CheckConstraint(condition=models.Q(minutes__gt=0), name="procedure_takes_time"),
        ]

    def __str__(self) -> str:
        return self.legal_name


class ProcedureText(TenantModel):
    """Name, explanation, what to bring and what to mind, in one language, edited by the city.

    ``bring`` and ``notes`` are one item per line. ``confirmed`` is False until the city has checked the text; unconfirmed texts
    are shown with the advice to ask when in doubt.
    """

    procedure = models.ForeignKey(Procedure, models.CASCADE, related_name="+")
    language = models.CharField(max_length=10)
    name = models.CharField("表示名", max_length=120)
    summary = models.CharField("説明", max_length=300, blank=True)
    bring = models.TextField("持ち物（1行に1つ）", blank=True)
    notes = models.TextField("注意（1行に1つ）", blank=True)
    confirmed = models.BooleanField("市の確認済み", default=False)
    edited_at = models.DateTimeField()
    edited_by = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contract", "procedure", "language"], name="procedure_text")]
